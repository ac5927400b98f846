import { isMendable } from '../bulk/doctor.js';
import type { Fault, FaultKind, Finding } from '../core/faults.js';
import type { Bytes } from '../core/job.js';
import { delayerCommand, quoteForShell, type Site } from './shell-command.js';

/** The commands that mend a fault, as one types them into sh. */

type Remedy = (site: Site, examples: readonly Fault[], count: number) => readonly string[];

/** The commands that mend what was found; none where a person has to decide. */
export function commandsFor(site: Site, { kind, count, examples }: Finding): string[] {
  const remedy = REMEDIES[kind] ?? (isMendable({ kind }) ? fix : undefined);
  return remedy ? [...remedy(site, examples, count)] : [];
}

const isPrintable = (bytes: Bytes): boolean => /^[\x20-\x7e]+$/.test(bytes.toString('latin1'));

/** Ids as arguments; all in base64 if one of them cannot be typed. */
function idWords(ids: readonly Bytes[]): string {
  const asText = ids.every((id) => isPrintable(id) && !id.toString('latin1').startsWith('-'));
  const words = ids.map((id) => (asText ? quoteForShell(id.toString()) : Buffer.from(id).toString('base64')));
  return `${words.join(' ')}${asText ? '' : ' --base64'}`;
}

const idsOf = (examples: readonly Fault[]): Bytes[] => examples.flatMap(({ id }) => (id ? [id] : []));

const fix: Remedy = (site) => [delayerCommand(site, 'doctor --fix')];

/** redis-cli for the server and database of the store. */
function redisCli({ label }: Site, words: string, options = ''): string {
  const url = new URL(label);
  if (url.protocol === 'redis+unix:') {
    const db = url.searchParams.get('db') ?? '0';
    return `redis-cli -s ${quoteForShell(decodeURIComponent(url.pathname))} -n ${db}${options} ${words}`;
  }
  return `redis-cli -u ${label}${options} ${words}`;
}

/** A key, as redis-cli reads it. */
function keyWord(key: Bytes, before = ''): { word: string; isQuoted: boolean } {
  if (isPrintable(key)) return { word: quoteForShell(`${before}${key.toString()}`), isQuoted: false };
  const escaped = Array.from(key, (byte) =>
    byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`,
  ).join('');
  return { word: quoteForShell(`"${before}${escaped}"`), isQuoted: true };
}

/** Out of the prefix of the queue, where it is still there. */
const putAside: Remedy = (site, examples) =>
  examples.flatMap(({ key }) => {
    if (!key) return [];
    const { word, isQuoted } = keyWord(key);
    const aside = keyWord(key, 'aside:').word;
    return [redisCli(site, `RENAMENX ${word} ${aside}`, isQuoted ? ' --quoted-input' : '')];
  });

/** What named it is left then. */
const putAsideAndFix: Remedy = (site, examples, count) => [
  ...putAside(site, examples, count),
  ...fix(site, examples, count),
];

const fileOf = ({ label }: Site): string => quoteForShell(label.replace(/^sqlite:/, ''));
const sqlite = (site: Site, sql: string): string => `sqlite3 ${fileOf(site)} ${quoteForShell(sql)}`;

const seqsOf = (examples: readonly Fault[]): string =>
  examples.flatMap(({ row }) => (row ? [row.key] : [])).join(', ');

const nameRows = (site: Site, examples: readonly Fault[]): string =>
  sqlite(
    site,
    ['topic', 'id']
      .map(
        (column) =>
          `UPDATE job SET ${column} = CAST('unnamed-' || seq AS BLOB) WHERE length(${column}) = 0 AND seq IN (${seqsOf(examples)});`,
      )
      .join(' '),
  );

/** The new id is in the pool before the empty one leaves it. */
function nameBody(site: Site, { id = Buffer.alloc(0), topic, key, dueAt }: Fault): string[] {
  if (!key) return [];
  const { word, isQuoted } = keyWord(key);
  const options = isQuoted ? ' --quoted-input' : '';
  const naming = topic ? [] : [redisCli(site, `HSET ${word} topic ${NEW_NAME}`, options)];
  if (id.length > 0) return naming;
  const pool = quoteForShell(`${key.toString().replace(/job_bucket:$/, '')}job_pool`);
  return [
    ...naming,
    redisCli(site, `RENAMENX ${word} ${keyWord(Buffer.concat([key, Buffer.from(NEW_NAME)])).word}`, options),
    redisCli(site, `ZADD ${pool} NX ${(dueAt?.getTime() ?? 0) / 1000} ${NEW_NAME}`),
    redisCli(site, `ZREM ${pool} ''`),
  ];
}

const NEW_NAME = 'unnamed';

const setting =
  (words: string): Remedy =>
  (site) => [redisCli(site, `CONFIG SET ${words}`)];

const REMEDIES: Partial<Record<FaultKind, Remedy>> = {
  due_out_of_range: (site, examples, count) =>
    count > examples.length
      ? [delayerCommand(site, 'promote --due-after 9999-12-31 --yes')]
      : [delayerCommand(site, `promote ${idWords(idsOf(examples))}`)],
  record_unreadable: putAsideAndFix,
  record_wrong_type: putAsideAndFix,
  key_wrong_type: putAside,
  body_wrong_type: putAsideAndFix,
  body_without_entry: (site, examples) =>
    idsOf(examples).map(
      (id) =>
        `${delayerCommand(site, `inspect --json --id ${idWords([id])}`)} | ${delayerCommand(site, 'push --batch --quiet')}`,
    ),
  clock_jumped: () => ['timedatectl set-ntp true'],
  clock_differs: () => ['timedatectl set-ntp true'],
  no_daemon: (site) => [delayerCommand(site, 'serve')],
  original_daemon: (_site, examples) =>
    examples.flatMap(({ client }) => (client === undefined ? [] : [`ss -tnp src ${quoteForShell(client)}`])),
  no_persistence: setting('appendonly yes'),
  persistence_fails: (site) => [redisCli(site, 'INFO persistence')],
  would_evict: setting('maxmemory-policy noeviction'),
  evicts: setting('maxmemory-policy noeviction'),
  memory_near: (site) => [delayerCommand(site, 'inspect')],
  memory_full: (site) => [delayerCommand(site, 'inspect')],
  replica: (site, [first]) => [
    `delayer doctor --store redis://${first?.found ?? 'HOST:PORT'}${new URL(site.label).pathname}`,
  ],
  not_permitted: (site, examples) => [
    redisCli(
      site,
      `ACL SETUSER USER ${examples.map(({ found = '' }) => `+${found.toLowerCase().replace(' ', '\\|')}`).join(' ')}`,
    ),
  ],
  file_damaged: (site) => [`sqlite3 ${fileOf(site)} .recover | sqlite3 recovered.db`],
  table_changed: (site) => [
    delayerCommand(site, 'export --output-file jobs.ndjson'),
    'delayer import jobs.ndjson --store sqlite:new.db',
  ],
  schema_foreign: (site, examples) =>
    examples.flatMap(({ row }) =>
      row ? [sqlite(site, `DROP ${row.table} "${row.key.replaceAll('"', '""')}"`)] : [],
    ),
  name_empty: (site, examples) =>
    examples.some(({ row }) => row)
      ? [nameRows(site, examples)]
      : examples.flatMap((one) => nameBody(site, one)),
  // As a job whose lease is lost it comes back, even where another job of its id is in the queue.
  state_unknown: (site, examples, count) => [
    sqlite(site, `UPDATE job SET state = 1 WHERE seq IN (${seqsOf(examples)}) AND state NOT BETWEEN 0 AND 3`),
    ...fix(site, examples, count),
  ],
  disk_near: (site) => [`df -h ${fileOf(site)}`],
  disk_full: (site) => [`df -h ${fileOf(site)}`],
  open_to_all: (_site, examples) =>
    examples.map(({ found = '', wanted = 'o-w' }) => `chmod ${wanted} ${quoteForShell(found)}`),
};
