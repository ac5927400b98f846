// Runs the program of bin/run.js as often as it is asked to, in this process: starting a process takes ten times as long as
// what most commands do. A run ends when it has left nothing to do, as a process does.
'use strict';
const { writeSync } = require('node:fs');

const [, , program, mark] = process.argv;
let isRunning = false;

for (const emitter of [process, process.stdout, process.stderr]) emitter.setMaxListeners(0);

process.on('message', ({ args, env, cwd }) => {
  // While a command runs, what it leaves to do alone keeps this process.
  process.channel.unref();
  isRunning = true;
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.chdir(cwd);
  process.exitCode = undefined;
  process.argv = [process.execPath, program, ...args];
  delete require.cache[program];
  require(program);
});

process.on('beforeExit', () => {
  if (!isRunning) return;
  isRunning = false;
  const code = process.exitCode ?? 0;
  process.emit('exit', code);
  process.exitCode = undefined;
  process.chdir('/');
  process.channel?.ref();
  for (const stream of [1, 2]) writeWhole(stream, `\0${mark}${code}\n`);
});

function writeWhole(stream, text) {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(stream, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}
