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

/**
 * The strings and numbers of an array that a script has packed, no value within another.
 * @returns nothing where that is none
 */
export function unpackArray(packed: Buffer): (Buffer | number)[] | undefined {
  try {
    const values: (Buffer | number)[] = [];
    let [count, at] = arrayHead(packed);
    for (; count > 0; count -= 1) {
      const [value, next] = readValue(packed, at);
      if (next > packed.length) return undefined;
      values.push(value);
      at = next;
    }
    return at === packed.length ? values : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** How many values an array has, and where they begin. */
function arrayHead(packed: Buffer): [count: number, at: number] {
  const head = packed.readUInt8(0);
  if (head >> 4 === 9) return [head & 0x0f, 1];
  if (head === 0xdc) return [packed.readUInt16BE(1), 3];
  if (head === 0xdd) return [packed.readUInt32BE(1), 5];
  throw new RangeError('no array');
}

/** A value, and where the next one begins. */
function readValue(packed: Buffer, at: number): [value: Buffer | number, next: number] {
  const head = packed.readUInt8(at);
  const bytes = (length: number, from: number): [Buffer, number] => [
    packed.subarray(from, from + length),
    from + length,
  ];
  if (head < 0x80) return [head, at + 1];
  if (head >= 0xe0) return [head - 0x100, at + 1];
  if (head >> 5 === 5) return bytes(head & 0x1f, at + 1);
  switch (head) {
    case 0xc4:
    case 0xd9:
      return bytes(packed.readUInt8(at + 1), at + 2);
    case 0xc5:
    case 0xda:
      return bytes(packed.readUInt16BE(at + 1), at + 3);
    case 0xc6:
    case 0xdb:
      return bytes(packed.readUInt32BE(at + 1), at + 5);
    case 0xca:
      return [packed.readFloatBE(at + 1), at + 5];
    case 0xcb:
      return [packed.readDoubleBE(at + 1), at + 9];
    case 0xcc:
      return [packed.readUInt8(at + 1), at + 2];
    case 0xcd:
      return [packed.readUInt16BE(at + 1), at + 3];
    case 0xce:
      return [packed.readUInt32BE(at + 1), at + 5];
    case 0xcf:
      return [Number(packed.readBigUInt64BE(at + 1)), at + 9];
    case 0xd0:
      return [packed.readInt8(at + 1), at + 2];
    case 0xd1:
      return [packed.readInt16BE(at + 1), at + 3];
    case 0xd2:
      return [packed.readInt32BE(at + 1), at + 5];
    case 0xd3:
      return [Number(packed.readBigInt64BE(at + 1)), at + 9];
  }
  throw new RangeError('neither a string nor a number');
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
