import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import type { RunningContainer } from "../runtime/container.ts";
import { readLog } from "../runtime/container-log.ts";
import { SpdyConnection, type SpdyStream } from "./spdy.ts";

export interface ExecOptions {
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** How long is waited for the size of a terminal. */
const SIZE_MS = 300;
/** How long the client may take to open its streams. */
const STREAMS_MS = 30_000;

/** Collects the streams of a client by their type, until all that were asked for are there. */
function streamsOf(socket: Duplex, head: Buffer, wanted: readonly string[]) {
  const found = new Map<string, SpdyStream>();
  let complete!: () => void;
  const all = new Promise<void>((resolve) => {
    complete = resolve;
  });
  const connection = new SpdyConnection(socket, head, (stream) => {
    found.set(stream.headers.streamtype ?? "", stream);
    if (wanted.every((each) => found.has(each))) complete();
  });
  const late = setTimeout(() => connection.destroy(), STREAMS_MS);
  return {
    connection,
    found,
    ready: Promise.race([all, connection.closed]).then(() => clearTimeout(late)),
  };
}

/** Runs a command in a container for a client (protocol v4.channel.k8s.io on SPDY). */
export async function serveExec(
  running: RunningContainer,
  options: ExecOptions,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const { connection, found, ready } = streamsOf(socket, head, wantedStreams(options));
  await ready;
  const errors = found.get("error");
  const size = options.tty ? await firstSize(found.get("resize")) : undefined;
  let child: ChildProcess;
  try {
    child = start(running, options, size);
  } catch (error) {
    errors?.write(Buffer.from(JSON.stringify(failed((error as Error).message))));
    errors?.end();
    connection.end();
    return;
  }
  void connection.closed.then(() => child.kill("SIGKILL"));
  const stdin = found.get("stdin");
  // What it does not read any more is lost, as in a shell.
  child.stdin?.on("error", () => {});
  stdin?.read((bytes) => (bytes ? child.stdin?.write(bytes) : child.stdin?.end()));
  const pipe = (from: NodeJS.ReadableStream | null, to: SpdyStream | undefined): void => {
    from?.on("data", (bytes: Buffer) => {
      if (!to || to.write(bytes)) return;
      from.pause();
      void connection.drained().then(() => from.resume());
    });
  };
  pipe(child.stdout, found.get("stdout"));
  pipe(child.stderr, found.get(options.tty ? "stdout" : "stderr"));
  const status = await new Promise<object>((resolve) => {
    child.once("error", (error) => resolve(failed(error.message)));
    child.once("close", (code, signal) =>
      resolve(code === 0 ? SUCCESS : exited(code ?? (signal === "SIGKILL" ? 137 : 143))),
    );
  });
  errors?.write(Buffer.from(JSON.stringify(status)));
  for (const each of found.values()) each.end();
  connection.end();
}

/** Shows what a container writes, and gives it input, until either ends. */
export async function serveAttach(
  running: RunningContainer,
  options: Omit<ExecOptions, "command">,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const { connection, found, ready } = streamsOf(socket, head, wantedStreams(options));
  await ready;
  const stop = new AbortController();
  void connection.closed.then(() => stop.abort());
  found.get("stdin")?.read((bytes) => running.input(bytes));
  found.get("resize")?.read(() => {});
  const follow = async (name: "stdout" | "stderr"): Promise<void> => {
    const to = found.get(name);
    if (!to) return;
    const query = { follow: true, timestamps: false, stream: name === "stdout" ? "Stdout" : "Stderr" } as const;
    for await (const text of readLog(running.log.path, query, () => running.exit === undefined, stop.signal)) {
      if (text && !to.write(Buffer.from(text))) await connection.drained();
    }
  };
  await Promise.all([follow("stdout"), follow("stderr")]);
  found.get("error")?.write(Buffer.from(JSON.stringify(SUCCESS)));
  for (const each of found.values()) each.end();
  connection.end();
}

function wantedStreams({ stdin, stdout, stderr, tty }: Omit<ExecOptions, "command">): string[] {
  return [
    "error",
    ...(stdin ? ["stdin"] : []),
    ...(stdout ? ["stdout"] : []),
    ...(stderr && !tty ? ["stderr"] : []),
    ...(tty ? ["resize"] : []),
  ];
}

interface Size {
  readonly rows: number;
  readonly columns: number;
}

/** The size of the client's terminal, which it sends first; later changes are not followed. */
function firstSize(stream: SpdyStream | undefined): Promise<Size> {
  const usual = { rows: 24, columns: 80 };
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(usual), SIZE_MS);
    stream?.read((bytes) => {
      const found = /"Width":(\d{1,5}).*"Height":(\d{1,5})/.exec(bytes?.toString() ?? "");
      if (!found) return;
      clearTimeout(late);
      resolve({ columns: Number(found[1]), rows: Number(found[2]) });
    });
  });
}

function start(running: RunningContainer, { command, tty, stdin }: ExecOptions, size: Size | undefined): ChildProcess {
  const words = running.execCommand(command);
  // `script` makes the terminal, on the host.
  const script = size ? `stty rows ${size.rows} columns ${size.columns}; exec ${words.map(quote).join(" ")}` : "";
  const [file, ...args] = tty ? ["/usr/bin/script", "-q", "-e", "-c", script, "/dev/null"] : words;
  return spawn(file as string, args, {
    env: { ...running.options.env, ...(tty ? { TERM: "xterm" } : {}) },
    stdio: [stdin || tty ? "pipe" : "ignore", "pipe", "pipe"],
  });
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

const SUCCESS = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" };

function failed(message: string): object {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", reason: "InternalError", message };
}

function exited(code: number): object {
  return {
    ...failed(`command terminated with non-zero exit code: exit status ${code}`),
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(code) }] },
  };
}
