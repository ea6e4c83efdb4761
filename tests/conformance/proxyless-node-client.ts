// A client that takes its configuration from GRPC_XDS_BOOTSTRAP: `TARGET`. Once a second it says what has answered, or why nothing has.
import { Client, credentials, status } from "@grpc/grpc-js";
import { register, XdsChannelCredentials } from "@grpc/grpc-js-xds";

register();
const PAUSE_MS = 1_000;
const DEADLINE_MS = 20_000;
const bytes = (value: Buffer): Buffer => value;
const [target = ""] = process.argv.slice(2);
const client = new Client(`xds:///${target}`, new XdsChannelCredentials(credentials.createInsecure()));

function call(): void {
  let by = "";
  const path = "/grpc.health.v1.Health/Check";
  const options = { deadline: Date.now() + DEADLINE_MS };
  const request = client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), options, (error) => {
    console.log(error ? `${status[error.code]}: ${error.details}` : `answered by ${by}`);
    setTimeout(call, PAUSE_MS);
  });
  request.on("metadata", (answer) => {
    by = String(answer.get("by")[0] ?? "");
  });
}
call();
