/**
 * Cuts jobs into chunks for one step of a store: so many jobs, or so many bytes of bodies; at least one job.
 */
export function* jobChunks<J extends { readonly body: Uint8Array }>(
  jobs: readonly J[],
  most: { readonly jobs: number; readonly bytes: number },
): Generator<J[]> {
  let chunk: J[] = [];
  let bytes = 0;
  for (const job of jobs) {
    if (chunk.length >= most.jobs || (bytes > 0 && bytes + job.body.length > most.bytes)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(job);
    bytes += job.body.length;
  }
  if (chunk.length > 0) yield chunk;
}
