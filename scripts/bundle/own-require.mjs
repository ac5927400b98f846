/**
 * In CommonJS there is a `require`: what an ES module has to make for itself, esbuild does not see through, and
 * would leave out of a bundle what is loaded by it.
 */
export const useOwnRequire = (source) =>
  source.replace(/\bcreateRequire\(import\.meta\.url\)(?=\()/g, 'require');
