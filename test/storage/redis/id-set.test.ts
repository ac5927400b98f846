import { expect } from 'chai';
import { IdSet } from '../../../src/storage/redis/id-set.js';

describe('IdSet', () => {
  it('has each of 150,000 similar ids that were added, and no other', () => {
    const ids = Array.from({ length: 50_000 }, (_, i) => [`${i}`, `${i}\0`, `order-${i}`]).flat();
    const set = new IdSet();
    for (const id of ids) expect(set.add(id), id).to.be.true;
    for (const id of ids) if (set.add(id) || !set.has(id)) expect.fail(`${id} is forgotten`);
    for (let i = 50_000; i < 100_000; i += 1) if (set.has(`${i}`)) expect.fail(`${i} was never added`);
  });
});
