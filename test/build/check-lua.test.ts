import { expect } from 'chai';
import { runScript, usePackageRoot } from './package-root.js';

/** The text of a library. */
const LIBRARY = `local function half(n)
  return n / 2
end
`;

describe('the check of the Lua scripts', () => {
  // The scripts of the package itself are checked by `npm run check`.
  const root = usePackageRoot({ isEmpty: true });
  const lua = (name: string, text: string) => {
    root.write(`src/storage/redis/lua/${name}.lua`, text);
  };
  const check = () => runScript('check-lua.mjs', root.path);

  it('passes scripts that include what they use', () => {
    lua('lib/half', LIBRARY);
    lua('a', '-- include: half\nreturn half(2)\n');
    lua('b', '-- Nothing.\nreturn 4\n');
    expect(check()).to.deep.equal({ code: 0, said: '' });
  });

  it('fails a script that does not include what it uses', () => {
    lua('lib/half', LIBRARY);
    lua('a', '-- include: half\nreturn half(2)\n');
    lua('b', '-- Halves.\nreturn half(4)\n');
    const { code, said } = check();
    expect(code).to.equal(1);
    expect(said).to.equal("src/storage/redis/lua/b.lua:2:8: accessing undefined variable 'half' (W113)\n");
  });

  it('fails a script that includes what it does not use', () => {
    lua('lib/half', LIBRARY);
    lua('a', '-- include: half\nreturn half(2)\n');
    lua('b', '-- include: half\n-- half is in a comment alone\nreturn 4\n');
    expect(check()).to.deep.equal({
      code: 1,
      said: 'src/storage/redis/lua/b.lua: half is included and not used\n',
    });
  });

  it('fails an include before which a library that it needs is not included', () => {
    lua('lib/half', LIBRARY);
    lua(
      'lib/quarter',
      `-- needs: half\n${LIBRARY.replace('half', 'quarter').replace('n / 2', 'half(half(n))')}`,
    );
    lua('a', '-- include: half, quarter\nreturn quarter(2)\n');
    expect(check()).to.deep.equal({ code: 0, said: '' });
    lua('a', '-- include: quarter, half\nreturn quarter(half(2))\n');
    expect(check().said).to.include('a.lua: quarter needs half in front of it');
  });

  it('fails a script that uses a library before it includes it, at the line of the use', () => {
    lua('lib/half', LIBRARY);
    lua('lib/third', LIBRARY.replace('half', 'third'));
    const script = (early: string) =>
      `-- include: half\nif ARGV[1] then return ${early}(2) end\n-- include: third\nreturn half(third(4))\n`;
    lua('a', script('half'));
    expect(check()).to.deep.equal({ code: 0, said: '' });
    lua('a', script('third'));
    expect(check()).to.deep.equal({
      code: 1,
      said: "src/storage/redis/lua/a.lua:2:24: accessing undefined variable 'third' (W113)\n",
    });
  });

  it('passes a script with locals named like parameters of a library that it includes later', () => {
    lua('lib/half', LIBRARY);
    lua('lib/third', LIBRARY.replace('half', 'third'));
    lua('a', '-- include: half\nlocal n = half(8)\n-- include: third\nreturn third(n)\n');
    expect(check()).to.deep.equal({ code: 0, said: '' });
  });

  it('fails a script with a local named like a library function that it includes later', () => {
    lua('lib/half', LIBRARY);
    lua('lib/third', LIBRARY.replace('half', 'third'));
    lua('a', '-- include: half\nlocal third = half(8)\n-- include: third\nreturn third(third)\n');
    const { code, said } = check();
    expect(code).to.equal(1);
    expect(said).to.include("variable 'third' was previously defined on line 5 (W411)");
  });

  it('fails an undefined variable, with its place in its own file', () => {
    lua('lib/half', LIBRARY.replace('half(n)', 'half(m)'));
    lua('a', '-- include: half\nlocal two = 2\nreturn half(two)\n');
    const { code, said } = check();
    expect(code).to.equal(1);
    expect(said).to.include("lua/lib/half.lua:2:10: accessing undefined variable 'n' (W113)");
  });

  it('fails an include that does not exist', () => {
    lua('a', '-- include: halve\nreturn 1\n');
    const { code, said } = check();
    expect(code).to.equal(1);
    expect(said).to.include('a.lua: there is no lib/halve.lua');
  });

  it('fails a library function that no script uses, and a library that no script includes', () => {
    lua('lib/half', `${LIBRARY}local function third(n)\n  return n / 3\nend\n`);
    lua('a', '-- include: half\nreturn half(2)\n');
    lua('lib/lost', LIBRARY);
    const { said } = check();
    expect(said).to.include("lua/lib/half.lua:4:16: unused function 'third' (W211)");
    expect(said).to.include('lua/lib/lost.lua: no script includes it');
  });
});
