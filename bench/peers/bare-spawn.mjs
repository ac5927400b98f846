// bare-spawn COUNT JOBS PROGRAM [ARG…]: spawns a program COUNT times, JOBS at once, with a body on stdin and pipes on
// stdout and stderr, and nothing else: no queue, no process groups, no environment for each job.
import { spawn } from 'node:child_process';

const [count, jobs, program, ...args] = process.argv.slice(2);
const BODY = '{"orderID":32,"shop":"north","amount":129900}';
let begun = 0;

function next() {
  if (begun >= Number(count)) return;
  begun += 1;
  const child = spawn(program, args);
  child.stdout.resume();
  child.stderr.resume();
  child.stdin.on('error', () => undefined);
  child.stdin.end(BODY);
  child.on('close', next);
}

for (let i = 0; i < Number(jobs); i += 1) next();
