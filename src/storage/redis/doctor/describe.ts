import type { Description } from '../../../core/faults.js';
import type { Read } from '../inspect/read.js';
import type { Keys } from '../keys.js';
import { SCRIPTS } from '../scripts.generated.js';
import { readServer } from './server.js';

/** The fields of INFO that a diagnosis needs; none identifies a user or a place. */
const FIELDS = [
  ...['redis_version', 'redis_mode', 'os', 'arch_bits', 'uptime_in_seconds', 'hz', 'role'],
  ...['connected_clients', 'blocked_clients', 'maxclients', 'rejected_connections'],
  ...['used_memory', 'used_memory_peak', 'maxmemory', 'maxmemory_policy', 'mem_fragmentation_ratio'],
  ...['loading', 'rdb_changes_since_last_save', 'rdb_last_save_time', 'rdb_last_bgsave_status'],
  ...['aof_enabled', 'aof_last_write_status', 'aof_last_bgrewrite_status', 'aof_delayed_fsync'],
  ...['total_commands_processed', 'instantaneous_ops_per_sec', 'expired_keys', 'evicted_keys'],
  ...['connected_slaves', 'master_link_status', 'latest_fork_usec', 'total_error_replies'],
];
/** Settings that matter to jobs; none is secret. */
const SETTINGS = [
  ...['save', 'appendonly', 'appendfsync', 'maxmemory', 'maxmemory-policy', 'maxmemory-clients'],
  ...['maxclients', 'timeout', 'tcp-keepalive', 'lua-time-limit', 'slowlog-log-slower-than'],
  ...[
    'hash-max-listpack-entries',
    'list-max-listpack-size',
    'tracking-table-max-keys',
    'min-replicas-to-write',
  ],
];
const SLOW = 32;

/** The server, its settings, its sizes, and its slow log without the arguments of commands. */
export async function describe(read: Read, keys: Keys): Promise<Description> {
  const { info, denied } = await readServer(read);
  const server = Object.fromEntries(
    FIELDS.flatMap((name) => (info(name) === undefined ? [] : [[name, info(name)]])),
  );
  const settings: Record<string, string> = {};
  for (const name of SETTINGS) {
    const found = await read(({ redis }) => redis.config('GET', name).catch((): string[] => []));
    const [, value] = found;
    if (value !== undefined) settings[name] = value;
  }
  const singles = [...keys.single.keys()];
  const sizes = await read(async ({ redis }) => {
    const found = await Promise.all(
      singles.map((key) => redis.call('MEMORY', 'USAGE', key).catch(() => null)),
    );
    const keyCount = await redis.dbsize();
    return { keysInDatabase: keyCount, bytes: Object.fromEntries(singles.map((key, i) => [key, found[i]])) };
  });
  return {
    kind: 'redis',
    prefix: keys.prefix,
    server,
    settings,
    sizes,
    slow: await slowCommands(read),
    denied,
  };
}

async function slowCommands(read: Read): Promise<readonly object[]> {
  const names = new Map<string, string>(Object.entries(SCRIPTS).map(([name, { sha }]) => [sha, name]));
  const entries = (await read(({ redis }) => redis.call('SLOWLOG', 'GET', SLOW).catch(() => []))) as [
    number,
    number,
    number,
    string[],
  ][];
  return entries.map(([, seconds, micros, [command = '', first = '']]) => {
    const script = command.toUpperCase() === 'EVALSHA' ? names.get(first) : undefined;
    return { at: new Date(seconds * 1000).toISOString(), micros, command, ...(script && { script }) };
  });
}
