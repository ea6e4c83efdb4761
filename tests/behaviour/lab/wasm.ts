// Modules of proxy-wasm's ABI 0.2.1 for tests, made of bytes: no compiler is needed.

type Bytes = readonly number[];

const I32 = 0x7f;
/** A signature: so many numbers in, and one out or none. */
type Signature = readonly [parameters: number, result: 0 | 1];

interface Code {
  readonly signature: Signature;
  readonly body: Bytes;
}

/** What a test module does. */
export interface TestModule {
  /** Added to every answer. */
  readonly header?: readonly [name: string, value: string];
  /** A header of every answer that gets the plugin's configuration. */
  readonly config?: string;
  /** Every request is answered with it. */
  readonly answer?: number;
  /** A header of every answer that gets the only variable of the environment, as `NAME=VALUE`. */
  readonly environment?: string;
  /** Added to every request. */
  readonly request?: readonly [name: string, value: string];
  /** Requests with more headers make it fail. */
  readonly trapsAbove?: number;
  /** Connections are closed (type NETWORK). */
  readonly closes?: boolean;
}

const HOST = {
  proxy_add_header_map_value: [5, 1],
  proxy_send_local_response: [8, 1],
  proxy_get_buffer_bytes: [5, 1],
  proxy_close_stream: [1, 1],
  environ_sizes_get: [2, 1],
  environ_get: [2, 1],
} as const satisfies Record<string, Signature>;
type HostFunction = keyof typeof HOST;
const NAMES = Object.keys(HOST) as HostFunction[];

/** Where texts lie, and where the host may write from. */
const TEXTS = 1024;
const FREE = 8192;
const REQUEST_HEADERS = 0;
const RESPONSE_HEADERS = 2;
const PLUGIN_CONFIGURATION = 7;
/** Where the number of variables and their length are put, and where the variables themselves. */
const [VARIABLES, VARIABLES_LENGTH, POINTERS, ENVIRONMENT] = [24, 28, 2048, 4096];
/** Where the address and the length of a buffer are put. */
const [BUFFER, LENGTH] = [16, 20];

/** The bytes of a module. */
export function wasmModule(what: TestModule): Buffer {
  let at = TEXTS;
  const texts: number[] = [];
  const text = (value: string): Bytes => {
    const bytes = [...Buffer.from(value)];
    const code = [...number(at), ...number(bytes.length)];
    texts.push(...bytes);
    at += bytes.length;
    return code;
  };
  const call = (name: HostFunction): Bytes => [0x10, ...unsigned(NAMES.indexOf(name)), 0x1a];
  const onConfigure: number[] = [
    ...number(PLUGIN_CONFIGURATION),
    ...number(0),
    ...number(4096),
    ...number(BUFFER),
    ...number(LENGTH),
    ...call("proxy_get_buffer_bytes"),
  ];
  const onRequest: number[] = [];
  const onResponse: number[] = [];
  if (what.trapsAbove !== undefined)
    onRequest.push(0x20, 0x01, ...number(what.trapsAbove), 0x4b, 0x04, 0x40, 0x00, 0x0b);
  if (what.request) {
    const [name, value] = what.request.map(text) as [Bytes, Bytes];
    onRequest.push(...number(REQUEST_HEADERS), ...name, ...value, ...call("proxy_add_header_map_value"));
  }
  if (what.header) {
    const [name, value] = what.header.map(text) as [Bytes, Bytes];
    onResponse.push(...number(RESPONSE_HEADERS), ...name, ...value, ...call("proxy_add_header_map_value"));
  }
  if (what.config) {
    const name = text(what.config);
    onResponse.push(...number(RESPONSE_HEADERS), ...name, ...load(BUFFER), ...load(LENGTH));
    onResponse.push(...call("proxy_add_header_map_value"));
  }
  if (what.environment) {
    const name = text(what.environment);
    onResponse.push(...number(VARIABLES), ...number(VARIABLES_LENGTH), ...call("environ_sizes_get"));
    onResponse.push(...number(POINTERS), ...number(ENVIRONMENT), ...call("environ_get"));
    // Without the zero at its end.
    onResponse.push(...number(RESPONSE_HEADERS), ...name, ...number(ENVIRONMENT), ...load(VARIABLES_LENGTH));
    onResponse.push(...number(1), 0x6b, ...call("proxy_add_header_map_value"));
  }
  if (what.answer !== undefined)
    onRequest.push(
      ...number(what.answer),
      ...number(0),
      ...number(0),
      ...number(0),
      ...number(0),
      ...number(0),
      ...number(0),
      ...number(-1),
      ...call("proxy_send_local_response"),
    );
  const onConnection = what.closes ? [...number(2), ...call("proxy_close_stream")] : [];
  const exported: Record<string, Code> = {
    proxy_abi_version_0_2_1: { signature: [0, 0], body: [] },
    // What the host asks for lies one behind the other, and is never given back.
    proxy_on_memory_allocate: {
      signature: [1, 1],
      body: [0x23, 0x00, 0x23, 0x00, 0x20, 0x00, 0x6a, 0x24, 0x00],
    },
    proxy_on_context_create: { signature: [2, 0], body: [] },
    proxy_on_vm_start: { signature: [2, 1], body: number(1) },
    proxy_on_configure: { signature: [2, 1], body: [...onConfigure, ...number(1)] },
    // 1 stops: the answer was sent.
    proxy_on_request_headers: { signature: [3, 1], body: [...onRequest, ...number(what.answer === undefined ? 0 : 1)] },
    proxy_on_response_headers: { signature: [3, 1], body: [...onResponse, ...number(0)] },
    proxy_on_new_connection: { signature: [1, 1], body: [...onConnection, ...number(what.closes ? 1 : 0)] },
    proxy_on_done: { signature: [1, 1], body: number(1) },
    proxy_on_delete: { signature: [1, 0], body: [] },
  };
  const functions = Object.entries(exported);
  const signatures: Signature[] = [
    ...NAMES.map((name) => HOST[name]),
    ...functions.map(([, { signature }]) => signature),
  ];
  return Buffer.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(
      1,
      signatures.map(([parameters, result]) => [
        0x60,
        ...vector(Array.from({ length: parameters }, () => [I32])),
        ...vector(result ? [[I32]] : []),
      ]),
    ),
    ...section(
      2,
      NAMES.map((name, i) => [
        ...named(name.startsWith("environ_") ? "wasi_snapshot_preview1" : "env"),
        ...named(name),
        0x00,
        ...unsigned(i),
      ]),
    ),
    ...section(
      3,
      functions.map((_, i) => unsigned(NAMES.length + i)),
    ),
    ...section(5, [[0x00, 0x01]]),
    ...section(6, [[I32, 0x01, ...number(FREE), 0x0b]]),
    ...section(7, [
      [...named("memory"), 0x02, 0x00],
      ...functions.map(([name], i) => [...named(name), 0x00, ...unsigned(NAMES.length + i)]),
    ]),
    ...section(
      10,
      functions.map(([, { body }]) => sized([0x00, ...body, 0x0b])),
    ),
    ...section(11, [[0x00, ...number(TEXTS), 0x0b, ...sized(texts)]]),
  ]);
}

function section(id: number, items: readonly Bytes[]): Bytes {
  return [id, ...sized(vector(items))];
}

function vector(items: readonly Bytes[]): Bytes {
  return [...unsigned(items.length), ...items.flat()];
}

function named(name: string): Bytes {
  return sized([...Buffer.from(name)]);
}

function sized(bytes: Bytes): Bytes {
  return [...unsigned(bytes.length), ...bytes];
}

function load(address: number): Bytes {
  return [...number(address), 0x28, 0x02, 0x00];
}

/** A constant on the stack. */
function number(value: number): Bytes {
  const bytes = [0x41];
  for (let rest = value; ; rest >>= 7) {
    const low = rest & 0x7f;
    const isLast = (rest >> 7 === 0 && !(low & 0x40)) || (rest >> 7 === -1 && (low & 0x40) !== 0);
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

function unsigned(value: number): Bytes {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}
