'use strict';
// Loaded into a worker by `node --require`: when the worker first reaches the point FAULT_POINT, it writes its process id
// to the file FAULT_FILE and stops (SIGSTOP).
// - taken: its job is leased, and no handler was started
// - started: its handler was just started
// - handled: its handler has ended, and the worker does not know yet
// - committed: the reply to the ack has come, and the worker has not read it (only on Redis: SQLite has no such step)
// - acked: the worker has the reply to the ack
const childProcess = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');

const { FAULT_POINT, FAULT_FILE, FAULT_ACK } = process.env;
let isTold = false;
let isHandled = false;

function stopAt(point) {
  if (isTold || point !== FAULT_POINT) return;
  isTold = true;
  fs.writeFileSync(FAULT_FILE, `${process.pid}\n`);
  process.kill(process.pid, 'SIGSTOP');
}

const { spawn } = childProcess;
childProcess.spawn = (file, args, options) => {
  if (options?.env?.DELAYER_LEASE === undefined) return spawn(file, args, options);
  stopAt('taken');
  const child = spawn(file, args, options);
  stopAt('started');
  child.prependListener('exit', () => {
    stopAt('handled');
    isHandled = true;
  });
  return child;
};

// The reply to the script that ends leases, named by FAULT_ACK.
const asked = new WeakSet();
const { emit, write: send } = net.Socket.prototype;
net.Socket.prototype.write = function (data, ...more) {
  if (isHandled && data.includes(FAULT_ACK)) asked.add(this);
  return send.call(this, data, ...more);
};
net.Socket.prototype.emit = function (event, ...args) {
  if (event === 'data' && asked.has(this)) stopAt('committed');
  return emit.call(this, event, ...args);
};

const { write } = fs;
fs.write = (fd, data, ...more) => {
  if (fd === 1 && data.includes('"event":"done"')) stopAt('acked');
  return write(fd, data, ...more);
};
