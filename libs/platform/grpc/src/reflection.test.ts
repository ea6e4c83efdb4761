import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Health } from "@xebec/api-mesh/grpc/health/v1/health";
import {
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "@xebec/api-mesh/grpc/reflection/v1/reflection";
import { framed } from "./framing.ts";
import { clientOf, createGrpcChannel, grpcHealth, rawUnary } from "./index.ts";
import { open, responseOf, withRawSession } from "./raw-client.testkit.ts";

const services = [grpcHealth([], ["a.B"]), rawUnary("/raw.Service/Do", () => new Uint8Array())];

/** What the server says to requests on one stream. */
async function asked(
  version: "v1" | "v1alpha",
  ...requests: ServerReflectionRequest["messageRequest"][]
): Promise<ServerReflectionResponse["messageResponse"][]> {
  let found: ServerReflectionResponse["messageResponse"][] = [];
  await withRawSession({ services, reflection: true }, async (session) => {
    const stream = open(session, `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`);
    const answer = responseOf(stream);
    for (const messageRequest of requests)
      stream.write(
        framed(toBinary(ServerReflectionRequestSchema, create(ServerReflectionRequestSchema, { messageRequest }))),
      );
    stream.end();
    const { messages, grpcStatus } = await answer;
    assert.equal(grpcStatus, "0");
    found = messages.map((bytes) => fromBinary(ServerReflectionResponseSchema, bytes).messageResponse);
  });
  return found;
}

const names = (response: ServerReflectionResponse["messageResponse"] | undefined): string[] => {
  if (response?.case === "listServicesResponse") return response.value.service.map(({ name }) => name);
  if (response?.case === "fileDescriptorResponse")
    return response.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
  return response?.case === "errorResponse" ? [String(response.value.errorCode)] : [];
};

describe("reflection", () => {
  for (const version of ["v1", "v1alpha"] as const)
    it(`${version} lists services, and gives the files of symbols with all that they import`, async () => {
      const [list, symbol, method, file, none] = await asked(
        version,
        { case: "listServices", value: "" },
        { case: "fileContainingSymbol", value: "grpc.health.v1.HealthCheckResponse.ServingStatus" },
        { case: "fileContainingSymbol", value: "grpc.health.v1.Health.Check" },
        { case: "fileByFilename", value: "grpc/health/v1/health.proto" },
        { case: "fileContainingSymbol", value: "no.Such" },
      );
      assert.deepEqual(names(list), [
        ...["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"],
        "raw.Service",
      ]);
      for (const each of [symbol, method, file]) assert.deepEqual(names(each), ["grpc/health/v1/health.proto"]);
      assert.deepEqual(names(none), ["5"]);
    });
});

describe("health", () => {
  it("lists all services that may be asked for", async () => {
    await withRawSession({ services }, async (_session, server) => {
      const channel = createGrpcChannel({ address: `127.0.0.1:${server.port}` });
      const { statuses } = await clientOf(Health, channel).list({});
      assert.deepEqual(
        Object.entries(statuses).map(([name, { status }]) => [name, status]),
        [
          ["", 1],
          ["a.B", 1],
        ],
      );
      channel.close();
    });
  });
});
