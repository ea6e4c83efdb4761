/** The environment variable that marks every process of a mesh; its value is the mesh's run id. */
export const RUN_MARK = "XEBEC_RUN";

/** The environment variable that marks every process of a pod; its value is the pod's uid. */
export const POD_MARK = "XEBEC_POD";
