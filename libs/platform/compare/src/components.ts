/** Components whose sum is the control plane: everything but the data plane, the applications and the laptop's supervisor. */
export const OTHERS: readonly string[] = ["agents", "Envoys", "application", "supervisor"];
