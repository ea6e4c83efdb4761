import { create, type DescFile, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from "@xebec/api-mesh/grpc/reflection/v1/reflection";
import { ServerReflection as ServerReflectionAlpha } from "@xebec/api-mesh/grpc/reflection/v1alpha/reflection";
import { XebecError } from "@xebec/core-errors";
import { FileIndex } from "./file-index.ts";
import { filesOf, type GrpcService, joinServices, rawDuplex } from "./method.ts";

type Reply = MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"];

const NOT_FOUND = 5;
const INVALID_ARGUMENT = 3;

/** Most bytes of a request: it has names. */
const MOST_BYTES = 16_384;

/**
 * The reflection service (gRPC Server Reflection Protocol, v1 and v1alpha, whose messages are the same): what a server offers, for
 * grpcurl and the like.
 */
export function grpcReflection(services: readonly GrpcService[]): GrpcService {
  const names = [
    ...new Set([
      ...services.flatMap(({ methods }) => methods.map(({ path }) => path.split("/")[1] ?? "")),
      ...[ServerReflection.typeName, ServerReflectionAlpha.typeName],
    ]),
  ].sort();
  let index: Promise<FileIndex> | undefined;
  const files = (): Promise<FileIndex> => {
    index ??= indexOf(services);
    return index;
  };
  const info = (path: string): GrpcService =>
    rawDuplex(path, (stream) => {
      // Answers keep the order of the requests.
      let last = Promise.resolve();
      stream.onMessage((bytes) => {
        if (bytes.length > MOST_BYTES) {
          stream.fail(
            new XebecError("resource_exhausted", `a request may have ${MOST_BYTES} bytes, not ${bytes.length}`),
          );
          return;
        }
        const request = fromBinary(ServerReflectionRequestSchema, bytes);
        last = last
          .then(async () => {
            const reply = replyTo(request, names, await files());
            const response = create(ServerReflectionResponseSchema, {
              ...{ validHost: request.host, originalRequest: request },
              ...(reply ? { messageResponse: reply } : {}),
            });
            stream.write(toBinary(ServerReflectionResponseSchema, response));
          })
          .catch((error: unknown) => stream.fail(XebecError.from(error)));
      });
      stream.onEnd(() => void last.then(() => stream.end()));
    });
  return joinServices([ServerReflection, ServerReflectionAlpha].map((each) => info(pathOf(each.typeName))));
}

function pathOf(service: string): string {
  return `/${service}/ServerReflectionInfo`;
}

async function indexOf(services: readonly GrpcService[]): Promise<FileIndex> {
  return new FileIndex([...(await filesOf(services)), ServerReflection.file, ServerReflectionAlpha.file]);
}

function replyTo({ messageRequest }: ServerReflectionRequest, names: readonly string[], files: FileIndex): Reply {
  switch (messageRequest.case) {
    case "listServices":
      return { case: "listServicesResponse", value: { service: names.map((name) => ({ name })) } };
    case "fileByFilename":
      return fileReply(files.byName(messageRequest.value), messageRequest.value, files);
    case "fileContainingSymbol":
      return fileReply(files.bySymbol(messageRequest.value), messageRequest.value, files);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = messageRequest.value;
      return error(NOT_FOUND, `${containingType} has no extension ${extensionNumber} here`);
    }
    case "allExtensionNumbersOfType": {
      const type = messageRequest.value;
      if (!files.bySymbol(type)) return error(NOT_FOUND, `${type} is not known here`);
      return { case: "allExtensionNumbersResponse", value: { baseTypeName: type, extensionNumber: [] } };
    }
    default:
      return error(INVALID_ARGUMENT, "the request asks for nothing");
  }
}

/** A file with all that it imports: whoever asks need not ask for those, too. */
function fileReply(file: DescFile | undefined, name: string, files: FileIndex): Reply {
  if (!file) return error(NOT_FOUND, `${name.slice(0, 200)} is not known here`);
  const protos = files.withImports(file).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto: protos } };
}

function error(errorCode: number, errorMessage: string): Reply {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}
