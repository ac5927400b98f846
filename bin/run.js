#!/usr/bin/env node
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const { main } = createRequire(import.meta.url)('../dist/cli.cjs');
await main(process.argv.slice(2), fileURLToPath(new URL('..', import.meta.url)));
