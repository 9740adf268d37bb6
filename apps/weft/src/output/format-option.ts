/** `--format`: a template that the user wrote, read and carried out. */
import { CommandFailure, EXIT_FAILURE, EXIT_FORMAT } from '../command-failure.ts'
import type { GoValue } from '../go-template/go-value.ts'
import { TemplateFault } from '../go-template/template-fault.ts'
import { Template } from '../go-template/template.ts'

/** Read a format. Throws CommandFailure with Go's words, status EXIT_FORMAT. */
export function readFormat(format: string): Template {
  return explained(() => Template.parse(format), EXIT_FORMAT)
}

/** What a format makes of a value. Throws CommandFailure. */
export function applyFormat(template: Template, value: GoValue): string {
  return explained(() => template.execute(value), EXIT_FAILURE)
}

/** A template's fault as a failed command's. */
export function explained<Result>(work: () => Result, status: number): Result {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error
    throw new CommandFailure(`template parsing error: ${error.message}`, status)
  }
}
