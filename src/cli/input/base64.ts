/**
 * The bytes of base64 text, or undefined when it is not base64. Node's own decoder skips what it cannot read.
 */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '') ? bytes : undefined;
}
