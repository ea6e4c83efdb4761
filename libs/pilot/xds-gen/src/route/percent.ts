import { create } from "@bufbuild/protobuf";
import { FractionalPercent_DenominatorType, FractionalPercentSchema } from "@xebec/api-envoy/envoy/type/v3/percent";

/** A percentage in Envoy's millionths. */
export function millionths(percent: number) {
  return create(FractionalPercentSchema, {
    numerator: Math.round(percent * 10_000),
    denominator: FractionalPercent_DenominatorType.MILLION,
  });
}
