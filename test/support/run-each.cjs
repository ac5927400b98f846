// Runs the program of bin/run.js once for each list of arguments, one after the other in this process: starting a process
// takes much longer than what most commands do. What a run has left undone ends before the next begins. Behind the output
// of each, stdout and stderr have a NUL and a line with the exit code.
'use strict';
const { readFileSync, writeSync } = require('node:fs');

const [, , program, file] = process.argv;
const runs = JSON.parse(readFileSync(file, 'utf8'));
const given = { ...process.env };
let [begun, ended] = [0, 0];

process.setMaxListeners(0);

function next() {
  const { args, env } = runs[begun];
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, given, env);
  process.exitCode = undefined;
  process.argv = [process.execPath, program, ...args];
  begun += 1;
  delete require.cache[program];
  require(program);
}

// When nothing is left to do in a run.
process.on('beforeExit', () => {
  if (begun > ended) {
    for (const stream of [1, 2]) writeSync(stream, `\0${process.exitCode ?? 0}\n`);
    ended = begun;
  }
  if (begun < runs.length) setImmediate(next);
});
