/** A message on its way to the broker. */
export interface Publication {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
  /** Default `application/json`. MQTT 5 only, as all that follows. */
  readonly contentType?: string;
  readonly userProperties?: Readonly<Record<string, string>>;
  readonly correlationData?: Buffer;
}
