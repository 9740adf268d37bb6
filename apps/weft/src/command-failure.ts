/** Why a command ends without having done what was asked: what is printed, and the exit status. */

/** Status of what failed. */
export const EXIT_FAILURE = 1

/** Status of a format that cannot be read, as Docker has it for `inspect`, `info` and `version`. */
export const EXIT_FORMAT = 64

/** Status of options that are wrong, and of `run` when it did not come to run the command. */
export const EXIT_USAGE = 125

/** Status of `run` when the command is there but cannot be started. */
export const EXIT_CANNOT_START = 126

/** Status of `run` when there is no such command. */
export const EXIT_NO_COMMAND = 127

/** A failure that was foreseen. The message is printed as it is; an empty one prints nothing. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly status: number

  constructor(message: string, status: number = EXIT_FAILURE) {
    super(message)
    this.status = status
  }
}
