import { expect } from 'chai';
import { hasGoodSqlite } from '../../../src/storage/sqlite/driver.js';

describe('choice of the SQLite binding', () => {
  const cases: [node: string, sqlite: string | undefined, own: boolean][] = [
    ['20.19.0', undefined, false],
    ['22.12.0', '3.53.0', false],
    ['22.13.0', '3.47.2', false],
    ['22.13.0', '3.51.2', false],
    ['22.22.0', '3.51.3', true],
    ['24.0.0', '3.52.0', true],
    ['26.1.0', '4.0.0', true],
  ];
  for (const [node, sqlite, own] of cases) {
    it(`Node ${node} with SQLite ${sqlite ?? 'none'} uses ${own ? 'node:sqlite' : 'the package'}`, () => {
      expect(hasGoodSqlite(sqlite === undefined ? { node } : { node, sqlite })).to.equal(own);
    });
  }
});
