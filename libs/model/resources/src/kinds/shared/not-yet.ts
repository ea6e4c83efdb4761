/** Of a field that Istio has and that has no effect here so far. */
export const NOT_YET = "not supported yet; ignored";
