import { createServer } from "node:net";

/** One rating of each reviewer; the answers of this database have 30 bytes. */
const RATINGS = JSON.stringify({ Reviewer1: 4, Reviewer2: 1 });
/** A line that is longer asks for nothing. */
const MAX_LINE = 1024;

/**
 * A database in small: on $BIND_ADDRESS (127.0.0.1) port $PORT (27017) it answers each line `GET NUMBER` with a line of JSON, and closes a
 * connection when its client does.
 */
export function serveRatingsDb(): Promise<void> {
  const host = process.env.BIND_ADDRESS ?? "127.0.0.1";
  const port = Number(process.env.PORT ?? 27_017);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (part: string) => {
      text += part;
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        const isAsked = /^GET \d+\r?$/.test(text.slice(0, end));
        text = text.slice(end + 1);
        socket.write(isAsked ? `${RATINGS}\n` : "ERROR ask: GET NUMBER\n");
      }
      if (text.length > MAX_LINE) socket.destroy();
    });
    socket.on("end", () => socket.end());
    socket.on("error", () => socket.destroy());
  });
  process.on("SIGTERM", () => server.close(() => process.exit(0)));
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      console.log(`ratings-db listens on ${host}:${port}`);
      resolve();
    });
  });
}
