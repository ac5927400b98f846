import { expect } from 'chai';
import { fileURLToPath } from 'node:url';
import { misfit } from './defect.js';
import { DEFECTS } from './defects.js';
import { SMALL_LIMITS } from './small-limits.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('planted defects', () => {
  it('each defect fits the sources as they are', () => {
    expect(DEFECTS.flatMap((defect) => misfit(ROOT, defect))).to.deep.equal([]);
  });

  it('the small limits fit the sources as they are', () => {
    expect(misfit(ROOT, SMALL_LIMITS)).to.deep.equal([]);
  });

  it('each defect has a name of its own on each store', () => {
    const names = DEFECTS.flatMap(({ name, stores }) => stores.map((store) => `${name} on ${store}`));
    expect(names).to.have.length(new Set(names).size);
  });
});
