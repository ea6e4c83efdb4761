export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** Takes `region/zone/subzone` apart; parts that are missing are empty. */
export function localityOf(text: string | undefined): Locality {
  const [region = "", zone = "", ...rest] = (text ?? "").split("/");
  return { region, zone, subZone: rest.join("/") };
}
