#!/usr/bin/env -S node --import tsx
'use strict';
const { dirname } = require('node:path');

void import('../src/main.ts').then(({ main }) => main(process.argv.slice(2), dirname(__dirname)));
