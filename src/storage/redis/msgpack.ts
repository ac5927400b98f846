/** A value that {@link packArray} takes. */
export type Packable = Buffer | string | number;

/**
 * Packs bytes, ASCII text and numbers as one msgpack array, which a script unpacks at once. Thousands of separate
 * arguments cost ioredis and Redis several times as much.
 */
export function packArray(values: readonly Packable[]): Buffer {
  let size = 5;
  for (const value of values) size += typeof value === 'number' ? 9 : 5 + value.length;
  const packed = Buffer.allocUnsafe(size);
  packed[0] = 0xdd; // array of up to 2^32 - 1
  packed.writeUInt32BE(values.length, 1);
  let at = 5;
  for (const value of values) {
    if (typeof value === 'number') {
      packed[at] = 0xcb; // a double, as all numbers in Lua
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
 * The strings and numbers of an array that a script has packed, without nested values.
 * @returns undefined when it is not such an array
 */
export function unpackArray(packed: Buffer): (Buffer | number)[] | undefined {
  try {
    const reader = new Reader(packed);
    const values: (Buffer | number)[] = [];
    for (let count = reader.readCount(); count > 0; count -= 1) values.push(reader.readValue());
    return reader.isAtEnd ? values : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * Reads packed values one by one; each method throws a RangeError when there is no value, or one of another kind.
 */
class Reader {
  private at = 0;

  constructor(private readonly packed: Buffer) {}

  get isAtEnd(): boolean {
    return this.at === this.packed.length;
  }

  /** How many values the array has that begins here. */
  readCount(): number {
    const head = this.readUint(1);
    if (head >> 4 === 9) return head & 0x0f;
    if (head === 0xdc) return this.readUint(2);
    if (head === 0xdd) return this.readUint(4);
    throw new RangeError('no array');
  }

  readValue(): Buffer | number {
    const head = this.readUint(1);
    if (head < 0x80) return head;
    if (head >= 0xe0) return head - 0x100;
    if (head >> 5 === 5) return this.readBytes(head & 0x1f);
    switch (head) {
      case 0xc4:
      case 0xd9:
        return this.readBytes(this.readUint(1));
      case 0xc5:
      case 0xda:
        return this.readBytes(this.readUint(2));
      case 0xc6:
      case 0xdb:
        return this.readBytes(this.readUint(4));
      case 0xcc:
        return this.readUint(1);
      case 0xcd:
        return this.readUint(2);
      case 0xce:
        return this.readUint(4);
      case 0xcf:
        return this.readUint(4) * 2 ** 32 + this.readUint(4);
    }
    return this.readOther(head);
  }

  private readOther(head: number): number {
    const at = this.at;
    switch (head) {
      case 0xca:
        this.at += 4;
        return this.packed.readFloatBE(at);
      case 0xcb:
        this.at += 8;
        return this.packed.readDoubleBE(at);
      case 0xd0:
        this.at += 1;
        return this.packed.readInt8(at);
      case 0xd1:
        this.at += 2;
        return this.packed.readInt16BE(at);
      case 0xd2:
        this.at += 4;
        return this.packed.readInt32BE(at);
      case 0xd3:
        this.at += 8;
        return Number(this.packed.readBigInt64BE(at));
    }
    throw new RangeError('neither a string nor a number');
  }

  private readUint(bytes: 1 | 2 | 4): number {
    const { packed, at } = this;
    this.at += bytes;
    if (bytes === 1) return packed.readUInt8(at);
    return bytes === 2 ? packed.readUInt16BE(at) : packed.readUInt32BE(at);
  }

  private readBytes(length: number): Buffer {
    const from = this.at;
    this.at += length;
    if (this.at > this.packed.length) throw new RangeError('it ends within a string');
    return this.packed.subarray(from, this.at);
  }
}

/**
 * The strings of an array that a script has packed, as latin1: one packed string in an answer costs ioredis a
 * fraction of many strings.
 */
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
