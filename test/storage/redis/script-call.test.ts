import assert from 'node:assert/strict';
import { Command } from 'ioredis';
import { Keys } from '../../../src/storage/redis/keys.js';
import { SCRIPTS } from '../../../src/storage/redis/scripts.generated.js';
import { ScriptCall } from '../../../src/storage/redis/scripts/script-call.js';

describe('the request that runs a script has the bytes that ioredis would send', () => {
  const script = SCRIPTS.ack;
  const CASES: Readonly<Record<string, (string | number | Buffer)[]>> = {
    'no arguments': [],
    'texts and numbers': ['one', '', 'zwölf €', 12, -1],
    'bytes, the last one empty': [Buffer.from([0, 13, 10, 255]), 'é', Buffer.from('x'), Buffer.alloc(0)],
    'texts after bytes': [Buffer.alloc(70_000, 'b'), '漢字', 7],
  };
  for (const prefix of ['delayer', 'büro:漢'])
    for (const [name, args] of Object.entries(CASES))
      it(`${name}, key prefix ${prefix}`, () => {
        const keys = new Keys(prefix);
        const names = script.keys.map((key) => keys[key]);
        const usual = new Command('EVALSHA', [script.sha, names.length, ...names, ...args]);
        const bytes = new ScriptCall(keys, script, args).toWritable();
        assert.deepEqual(Buffer.from(bytes), Buffer.from(usual.toWritable({})));
      });
});
