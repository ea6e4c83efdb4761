import { createSocket } from "node:dgram";
import { once } from "node:events";

const A = 1;
const HEADER = 12;

/** A name that begins so gets no answer: what waits for its addresses waits until it gives up. */
const SILENT = "silent.";
/** Of a name that begins so, DNS does not say how long it holds. */
const FICKLE = "fickle.";

/** Serves names as a DNS server on UDP would, IPv4 alone; a name that nobody gave an address is not found. @returns what ends it */
export async function startDns(at: string, names: ReadonlyMap<string, readonly string[]>): Promise<() => void> {
  const [host, port] = at.split(":");
  const socket = createSocket("udp4");
  socket.on("message", (query, peer) => {
    const answer = answerTo(query, names);
    if (answer) socket.send(answer, peer.port, peer.address);
  });
  socket.bind(Number(port), host);
  await once(socket, "listening");
  return () => void socket.close();
}

function answerTo(query: Buffer, names: ReadonlyMap<string, readonly string[]>): Buffer | undefined {
  const labels: string[] = [];
  let end = HEADER;
  for (let length = query[end] ?? 0; length > 0; length = query[end] ?? 0) {
    labels.push(query.toString("latin1", end + 1, end + 1 + length));
    end += length + 1;
  }
  const type = query.readUInt16BE(end + 1);
  const question = query.subarray(HEADER, end + 5);
  const name = labels.join(".").toLowerCase();
  if (name.startsWith(SILENT)) return undefined;
  const found = names.get(name);
  const addresses = type === A ? (found ?? []) : [];
  const head = Buffer.alloc(HEADER);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(found ? 0x8580 : 0x8583, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(addresses.length, 6);
  const answers = addresses.map((address) =>
    Buffer.from([
      0xc0,
      HEADER,
      0,
      A,
      0,
      1,
      0,
      0,
      0,
      name.startsWith(FICKLE) ? 0 : 60,
      0,
      4,
      ...address.split(".").map(Number),
    ]),
  );
  return Buffer.concat([head, question, ...answers]);
}
