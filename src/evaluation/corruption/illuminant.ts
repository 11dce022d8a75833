/** What light of another colour does to a camera that is balanced for daylight of 6504 K. */
import { linearOf, type Triple, toEncoded, toLinear } from '../../colour.ts';
import type { RgbFrame } from '../../frame.ts';

/**
 * Factors on linear red, green and blue that white takes under a CIE daylight illuminant of the same luminance.
 * @param temperature correlated colour temperature, 4000…25,000 K (CIE 15:2018 §4.1.2)
 */
export function daylightGains(temperature: number): Triple {
  const t = 1000 / temperature;
  const x =
    temperature <= 7000
      ? 0.244063 + 0.09911 * t + 2.9678 * t ** 2 - 4.607 * t ** 3
      : 0.23704 + 0.24748 * t + 1.9018 * t ** 2 - 2.0064 * t ** 3;
  const y = -3 * x ** 2 + 2.87 * x - 0.275;
  return linearOf([x / y, 1, (1 - x - y) / y]);
}

/** Gains on linear light, values cut to the range of a byte. */
export function underLight({ rgb, width, height }: RgbFrame, gains: Triple): RgbFrame {
  const tables = gains.map((gain) =>
    Uint8Array.from({ length: 256 }, (_, value) =>
      Math.round(255 * toEncoded(Math.min(1, gain * toLinear(value / 255)))),
    ),
  );
  return { rgb: rgb.map((value, i) => tables[i % 3][value]), width, height };
}
