// Lets a CommonJS module require another one when it first uses it, as Babel's `lazy` and Metro's
// `inlineRequires` do: `const a_1 = require("a")` becomes a function, and each use of `a_1` a call of it.
// Nothing stands between a module and its user, so what works without this works with it.
import ts from 'typescript';

/** Appended, for a function is known everywhere in its file, and no line moves. */
const HELPER =
  '\nfunction __whenUsed(load) { let loaded; return () => loaded === undefined ? (loaded = load()) : loaded; }\n';
const INTEROP = ['__importDefault', '__importStar'];

/**
 * @param {string} path for messages
 * @param {string} source
 * @returns {string} with its lines where they were
 * @throws Error when a module is used in a way that this does not know: the build fails
 */
export function requireWhenUsed(path, source) {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const imports = new Map(importsOf(file).map((declaration) => [declaration.name.text, declaration]));
  if (imports.size === 0) return source;
  const edits = [...imports.values()].flatMap(({ initializer }) => [
    { at: initializer.getStart(), text: '__whenUsed(() => ' },
    { at: initializer.end, text: ')' },
  ]);
  const visit = (node) => {
    if (ts.isIdentifier(node) && imports.has(node.text) && node !== imports.get(node.text).name) {
      if (isUse(node, path)) edits.push({ at: node.getStart(), text: '(' }, { at: node.end, text: '())' });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return applyEdits(source, edits) + HELPER;
}

/** Declarations at the top of a file such as `const a_1 = __importStar(require("a"))`. */
function importsOf(file) {
  return file.statements
    .filter((statement) => ts.isVariableStatement(statement))
    .flatMap(({ declarationList }) => [...declarationList.declarations])
    .filter(({ name, initializer }) => ts.isIdentifier(name) && initializer && isRequire(initializer));
}

function isRequire(node) {
  if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression) || node.arguments.length !== 1)
    return false;
  const [argument] = node.arguments;
  return INTEROP.includes(node.expression.text)
    ? isRequire(argument)
    : node.expression.text === 'require' && ts.isStringLiteral(argument);
}

/**
 * Does this name stand for the module? A member of something else may have the same name.
 * @throws Error where a call cannot take its place, or where it may be another variable of the same name
 */
function isUse(node, path) {
  const { parent } = node;
  const isName = parent.name === node;
  if (isName && (ts.isPropertyAccessExpression(parent) || ts.isPropertyAssignment(parent))) return false;
  if (isName && ts.isClassElement(parent)) return false;
  if (ts.isBindingElement(parent) && parent.propertyName === node) return false;
  const isAssigned =
    ts.isBinaryExpression(parent) &&
    parent.left === node &&
    ts.isAssignmentOperator(parent.operatorToken.kind);
  if (isAssigned || isName) {
    const { line } = node.getSourceFile().getLineAndCharacterOfPosition(node.getStart());
    throw new Error(`${path}:${line + 1}: ${node.text} is not only used there: it cannot be required late`);
  }
  return true;
}

function applyEdits(source, edits) {
  let [text, from] = ['', 0];
  for (const { at, text: added } of edits.sort((one, other) => one.at - other.at)) {
    text += source.slice(from, at) + added;
    from = at;
  }
  return text + source.slice(from);
}
