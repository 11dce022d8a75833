/** What the builder of images refuses or fails at. */
import { Failure } from '../failure.mjs';

/** No image is left behind: a file of the name that was asked for appears only when it is whole. */
export class ImageFailure extends Failure {}
