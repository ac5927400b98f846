/**
 * Packs bytes, ASCII text and numbers as one msgpack array, which a script unpacks in one go. A
 * request with thousands of arguments costs ioredis and Redis several times as much.
 */
export function packArray(values: readonly (Buffer | string | number)[]): Buffer {
  let size = 5;
  for (const value of values) size += typeof value === 'number' ? 9 : 5 + value.length;
  const packed = Buffer.allocUnsafe(size);
  packed[0] = 0xdd; // array of up to 2^32 - 1
  packed.writeUInt32BE(values.length, 1);
  let at = 5;
  for (const value of values) {
    if (typeof value === 'number') {
      packed[at] = 0xcb; // a double, as Lua has numbers
      packed.writeDoubleBE(value, at + 1);
      at += 9;
      continue;
    }
    packed[at] = 0xdb; // string of up to 2^32 - 1 bytes
    packed.writeUInt32BE(value.length, at + 1);
    at += 5;
    if (typeof value === 'string') packed.write(value, at, 'latin1');
    else value.copy(packed, at);
    at += value.length;
  }
  return packed;
}

/** The strings of an array that a script has packed, as latin1: one text in an answer costs ioredis a fraction of many. */
export function unpackNames(packed: Buffer): string[] {
  const names: string[] = [];
  let at = packed[0] === 0xdd ? 5 : packed[0] === 0xdc ? 3 : 1;
  while (at < packed.length) {
    const head = packed[at] ?? 0;
    let length = head & 0x1f;
    at += 1;
    if (head === 0xd9) [length, at] = [packed.readUInt8(at), at + 1];
    else if (head === 0xda) [length, at] = [packed.readUInt16BE(at), at + 2];
    else if (head === 0xdb) [length, at] = [packed.readUInt32BE(at), at + 4];
    names.push(packed.toString('latin1', at, at + length));
    at += length;
  }
  return names;
}
