import { expect } from 'chai';
import { packArray, unpackArray } from '../../../src/storage/redis/msgpack.js';
import { useRedis } from '../../support/redis.js';

const NUMBERS = [
  ...[0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 253_402_300_799_999],
  ...[-1, -32, -33, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 31) - 1, 1.5, 0.1, -0.25, 1e300],
];
const LENGTHS = [0, 1, 31, 32, 255, 256, 65_535, 65_536];

describe('unpackArray', () => {
  const ground = useRedis();

  /** Packs values here, and lets Redis unpack and pack them again. */
  async function throughRedis(values: readonly (Buffer | string | number)[]): Promise<Buffer> {
    const again = 'return cmsgpack.pack(cmsgpack.unpack(ARGV[1]))';
    return (await ground.raw.callBuffer('EVAL', again, 0, packArray(values))) as Buffer;
  }

  it('reads arrays of numbers and strings as Redis packs them', async () => {
    const strings = LENGTHS.map((length) => Buffer.alloc(length, 0xff));
    for (const values of [[], NUMBERS, strings, [...strings, ...NUMBERS], Array<number>(70_000).fill(7)]) {
      expect(unpackArray(await throughRedis(values))).to.deep.equal(values);
    }
  });

  it('returns undefined for an array that is cut off anywhere or followed by more', async () => {
    const packed = await throughRedis([Buffer.alloc(40), 1, 1e12, -5, Buffer.from('text')]);
    for (let length = 0; length < packed.length; length += 1) {
      expect(unpackArray(packed.subarray(0, length)), `${length} bytes`).to.be.undefined;
    }
    expect(unpackArray(Buffer.concat([packed, Buffer.of(1)]))).to.be.undefined;
  });

  it('returns undefined for any other value, alone or within an array', () => {
    for (const bytes of [
      '\x01',
      '\xa1x',
      '\x80',
      '\xc0',
      '\x91\xc0',
      '\x91\x90',
      '\x91\xc3',
      '\xdd\xff\xff\xff\xff\x01',
    ]) {
      expect(unpackArray(Buffer.from(bytes, 'latin1')), JSON.stringify(bytes)).to.be.undefined;
    }
  });
});
