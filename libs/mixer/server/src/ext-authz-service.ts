import { BoolValueSchema } from "@bufbuild/protobuf/wkt";
import {
  HeaderValueOption_HeaderAppendAction,
  HeaderValueOptionSchema,
  HeaderValueSchema,
} from "@xebec/api-envoy/envoy/config/core/v3/base";
import {
  CheckResponseSchema,
  DeniedHttpResponseSchema,
  OkHttpResponseSchema,
} from "@xebec/api-envoy/envoy/service/auth/v3/external_auth";
import { HttpStatusSchema } from "@xebec/api-envoy/envoy/type/v3/http_status";
import { StatusSchema } from "@xebec/api-envoy/google/rpc/status";
import { CODES } from "@xebec/core-errors";
import type { CheckOutcome, HeaderOperation } from "@xebec/mixer-runtime";
import { fieldNumbers, WireWriter } from "@xebec/model-attributes/wire";
import { httpStatusOf } from "@xebec/model-mixer";
import { type GrpcService, rawUnary } from "@xebec/platform-grpc";
import { BagPool } from "./bag-pool.ts";
import { ExtAuthzBag } from "./ext-authz-bag.ts";
import { type MixerServiceParts, snapshotOf } from "./service-parts.ts";

const RESPONSE = fieldNumbers(CheckResponseSchema);
const STATUS = fieldNumbers(StatusSchema);
const DENIED = fieldNumbers(DeniedHttpResponseSchema);
const OK = fieldNumbers(OkHttpResponseSchema);
const HTTP_STATUS = fieldNumbers(HttpStatusSchema);
const OPTION = fieldNumbers(HeaderValueOptionSchema);
const HEADER = fieldNumbers(HeaderValueSchema);
const BOOL_VALUE = fieldNumbers(BoolValueSchema).value;
const { APPEND_IF_EXISTS_OR_ADD, OVERWRITE_IF_EXISTS_OR_ADD } = HeaderValueOption_HeaderAppendAction;

/** CheckResponse with status OK and nothing else. */
const ALLOWED = new WireWriter().data(RESPONSE.status, new Uint8Array(0)).finish();

const names = new Map(Object.entries(CODES).map(([name, [code]]) => [code as number, name.toUpperCase()]));

/** `envoy.service.auth.v3.Authorization/Check`: Envoy's ext_authz filter, for HTTP and TCP. */
export function extAuthzService({ runtime, index, shedder, meters }: MixerServiceParts): GrpcService {
  const pool = new BagPool((layout) => new ExtAuthzBag(layout, index));
  const writer = new WireWriter(512);
  return rawUnary("/envoy.service.auth.v3.Authorization/Check", (bytes, call) => {
    shedder.admit(1);
    const since = shedder.begin();
    const snapshot = snapshotOf(runtime);
    const bag = pool.take(snapshot);
    bag.start(bytes, (name) => call.metadata(name));
    const answer = (outcome: CheckOutcome): Uint8Array => {
      meters.check(outcome.code);
      if (outcome.code !== 0) return denied(writer, outcome, bag.isHttp);
      return outcome.requestHeaders.length + outcome.responseHeaders.length === 0
        ? ALLOWED
        : allowed(writer, outcome, bag);
    };
    const done = (): void => {
      shedder.end(since);
      pool.give(bag);
    };
    const outcome = snapshot.admit(bag);
    if (outcome instanceof Promise) return outcome.then(answer).finally(done);
    const reply = answer(outcome);
    done();
    return reply;
  });
}

function denied(
  writer: WireWriter,
  { code, message, direct, responseHeaders }: CheckOutcome,
  isHttp: boolean,
): Uint8Array {
  writer.message(RESPONSE.status, () => writer.int64(STATUS.code, code).text(STATUS.message, message));
  if (isHttp)
    writer.message(RESPONSE.deniedResponse, () => {
      writer.message(DENIED.status, () => writer.uint32(HTTP_STATUS.code, direct?.code ?? httpStatusOf(code)));
      for (const { name, value } of responseHeaders)
        writer.message(DENIED.headers, () => writeHeader(writer, name, value, OVERWRITE_IF_EXISTS_OR_ADD));
      const body = direct ? direct.body : `${names.get(code) ?? code}:${message}`;
      if (body !== "") writer.text(DENIED.body, body);
    });
  return writer.finish();
}

/**
 * Header operations as Envoy can do them: a header of the request is appended to only when it is there, and headers of the
 * response cannot be removed.
 */
function allowed(writer: WireWriter, { requestHeaders, responseHeaders }: CheckOutcome, bag: ExtAuthzBag): Uint8Array {
  writer.data(RESPONSE.status, new Uint8Array(0));
  writer.message(RESPONSE.okResponse, () => {
    for (const each of requestHeaders)
      if (each.operation === "REMOVE") writer.text(OK.headersToRemove, each.name);
      else writer.message(OK.headers, () => writeRequestHeader(writer, each, bag));
    for (const { name, value, operation } of responseHeaders) {
      if (operation === "REMOVE") continue;
      const action = operation === "APPEND" ? APPEND_IF_EXISTS_OR_ADD : OVERWRITE_IF_EXISTS_OR_ADD;
      writer.message(OK.responseHeadersToAdd, () => writeHeader(writer, name, value, action));
    }
  });
  return writer.finish();
}

function writePair(writer: WireWriter, name: string, value: string): void {
  writer.message(OPTION.header, () => writer.text(HEADER.key, name).text(HEADER.value, value));
}

function writeHeader(writer: WireWriter, name: string, value: string, action: number): void {
  writePair(writer, name, value);
  writer.uint32(OPTION.appendAction, action);
}

function writeRequestHeader(writer: WireWriter, { name, value, operation }: HeaderOperation, bag: ExtAuthzBag): void {
  writePair(writer, name, value);
  if (operation === "APPEND" && bag.headers.get(name.toLowerCase()) !== undefined)
    writer.message(OPTION.append, () => writer.bool(BOOL_VALUE, true));
}
