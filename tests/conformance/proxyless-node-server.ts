// A server that takes its configuration from GRPC_XDS_BOOTSTRAP_CONFIG: `NAME ADDRESS`. Its process is the test's child.
import { Metadata, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { register, XdsServer, XdsServerCredentials } from "@grpc/grpc-js-xds";

register();
const SERVING = Buffer.from([8, 1]);
const bytes = (value: Buffer): Buffer => value;

async function serve(name: string, address: string): Promise<void> {
  const server = new XdsServer();
  const check = {
    ...{ path: "/grpc.health.v1.Health/Check", requestStream: false, responseStream: false },
    ...{ requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes },
  };
  server.addService(
    { check },
    {
      check(call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
        const names = call.getAuthContext().sslPeerCertificate?.subjectaltname;
        const metadata = new Metadata();
        metadata.set("by", `${name} ${names?.replace("URI:", "") ?? "plaintext"}`);
        call.sendMetadata(metadata);
        answer(null, SERVING);
      },
    },
  );
  const credentials = new XdsServerCredentials(ServerCredentials.createInsecure());
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, credentials, (error) => (error ? reject(error) : resolve()));
  });
}

const [name = "", address = ""] = process.argv.slice(2);
await serve(name, address);
process.send?.("ready");
