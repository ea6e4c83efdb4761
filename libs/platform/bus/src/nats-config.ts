import { addressText, type HostPort } from "@xebec/core-config";
import { ACCESS, BUS_USERS, type BusUser, readableBy, WORK_QUEUE } from "@xebec/model-bus";
import { changesOf, streamOf, subjectsOf } from "./bucket-names.ts";
import { inboxOf } from "./nats-link.ts";

export interface NatsConfigOptions {
  readonly address: HostPort;
  /** Public nkey of the user that may ask for the server's health and do nothing else. */
  readonly healthKey?: string;
  /** JetStream's folder. */
  readonly storeDir: string;
  readonly publicKeys: Readonly<Record<BusUser, string>>;
  /** PEM files of the server's certificate; absent: plaintext (for loopback only). Who a client is, its nkey says. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string } | undefined;
  readonly logFile?: string;
}

export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/**
 * The rights of a user on the server, JetStream's own subjects included. Nobody but the users that provision may make streams and
 * the consumers of the work queue: whoever can, can have the server write into any subject. Answers go to inboxes only.
 */
export function permissionsOf(user: BusUser): Permissions {
  const { write, send, receive, provision, work } = ACCESS[user];
  const publish = new Set<string>();
  const subscribe = new Set<string>([`${inboxOf(user)}.>`]);
  for (const bucket of readableBy(user)) {
    publish.add(`$JS.API.STREAM.INFO.${streamOf(bucket)}`);
    publish.add(`$JS.API.DIRECT.GET.${streamOf(bucket)}`);
    publish.add(`$JS.API.DIRECT.GET.${streamOf(bucket)}.>`);
    subscribe.add(changesOf(bucket));
  }
  for (const bucket of write) publish.add(subjectsOf(bucket));
  for (const subject of send) publish.add(subject);
  for (const subject of receive) subscribe.add(subject);
  // One entry per user: `_INBOX_*` is not a pattern of NATS, which knows whole words only.
  if (receive.length > 0) for (const each of BUS_USERS) publish.add(`${inboxOf(each)}.>`);
  const { stream, prefix } = WORK_QUEUE;
  if (provision)
    for (const what of [
      ...["STREAM.INFO.*", "STREAM.CREATE.*", "STREAM.UPDATE.*"],
      // Of this stream only: its consumers are pulled from, and others never are.
      ...[`CONSUMER.CREATE.${stream}.>`, `CONSUMER.LIST.${stream}`],
    ])
      publish.add(`$JS.API.${what}`);
  if (work) {
    publish.add(`${prefix}.>`);
    publish.add(`$JS.ACK.${stream}.>`);
    for (const what of ["STREAM.INFO", "CONSUMER.MSG.NEXT"])
      publish.add(`$JS.API.${what}.${stream}${what === "STREAM.INFO" ? "" : ".*"}`);
  }
  return { publish: [...publish].sort(), subscribe: [...subscribe].sort() };
}

/** The `authorization` block of the server's configuration: one nkey and its rights per user, nobody else. */
export function renderAuthorization(publicKeys: Readonly<Record<BusUser, string>>): string {
  const list = (subjects: readonly string[]): string =>
    subjects.map((each) => `        ${JSON.stringify(each)}`).join("\n");
  const users = BUS_USERS.map((user) => {
    const { publish, subscribe } = permissionsOf(user);
    return [
      `    # ${user}`,
      "    {",
      `      nkey: ${publicKeys[user]}`,
      "      permissions: {",
      publish.length === 0
        ? '        publish: { deny: ">" }'
        : `        publish: { allow: [\n${list(publish)}\n        ] }`,
      `        subscribe: { allow: [\n${list(subscribe)}\n        ] }`,
      "      }",
      "    }",
    ].join("\n");
  });
  return `authorization {\n  timeout: 3\n  users: [\n${users.join("\n")}\n  ]\n}\n`;
}

/**
 * What stands in the block `cluster`: how servers know each other, and where they are.
 * @param password letters, digits, `-` and `_` only
 * @param hosts of all servers, `HOST:PORT`
 */
export function renderCluster(password: string, hosts: readonly string[]): string {
  const routes = hosts.map((each) => `  ${JSON.stringify(`nats://route:${password}@${each}`)}\n`);
  const authorization = `authorization {\n  user: route\n  password: ${JSON.stringify(password)}\n  timeout: 3\n}\n`;
  return `${authorization}routes: [\n${routes.join("")}]\n`;
}

/** What the user asks that has servers read their certificates again. */
export const STATE_REQUEST = "$SYS.REQ.SERVER.PING.VARZ";
export const RELOAD_REQUEST = "$SYS.REQ.SERVER.*.RELOAD";
export const CONTROL_INBOX = "_INBOX_control";

/** What the user of the system account asks. The monitoring port, which would show everything to everybody, stays closed. */
export const HEALTH_REQUEST = "$SYS.REQ.SERVER.PING.HEALTHZ";
export const HEALTH_INBOX = "_INBOX_health";

/**
 * The system account, with users that may do one thing each.
 * @param keys public nkeys: `health` may ask how the server is; `control` may have servers read their configuration again
 */
export function renderSystemAccount(keys: { readonly health?: string; readonly control?: string }): string {
  const user = (key: string, requests: readonly string[], inbox: string): string =>
    `    { nkey: ${key}, permissions: { publish: { allow: ${JSON.stringify(requests)} }, subscribe: { allow: ["${inbox}.>"] } } }\n`;
  const users = [
    ...(keys.health ? [user(keys.health, [HEALTH_REQUEST], HEALTH_INBOX)] : []),
    ...(keys.control ? [user(keys.control, [STATE_REQUEST, RELOAD_REQUEST], CONTROL_INBOX)] : []),
  ];
  return `accounts {\n  SYSTEM { users: [\n${users.join("")}  ] }\n}\nsystem_account: SYSTEM\n`;
}

/** The whole configuration file of nats-server. */
export function renderNatsConfig({
  address,
  healthKey,
  storeDir,
  publicKeys,
  tls,
  logFile,
}: NatsConfigOptions): string {
  const text = (value: string): string => JSON.stringify(value);
  return [
    "# Written by xebec; changes are overwritten.",
    `listen: ${text(addressText(address))}`,
    "max_payload: 1MB",
    "max_connections: 1000",
    "ping_interval: 10s",
    ...(logFile === undefined ? [] : [`log_file: ${text(logFile)}`]),
    `jetstream {\n  store_dir: ${text(storeDir)}\n  sync_interval: 1s\n}`,
    ...(tls ? [`tls {\n  cert_file: ${text(tls.certFile)}\n  key_file: ${text(tls.keyFile)}\n  timeout: 5\n}`] : []),
    renderAuthorization(publicKeys),
    ...(healthKey === undefined ? [] : [renderSystemAccount({ health: healthKey })]),
  ].join("\n");
}
