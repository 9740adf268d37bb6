/** `--format`: a template that the user wrote, read and carried out. */
import { CommandFailure, EXIT_FORMAT } from '../command-failure.ts'
import type { GoValue } from '../go-template/go-value.ts'
import { TemplateFault } from '../go-template/template-fault.ts'
import { Template } from '../go-template/template.ts'

/** Read a format. Throws CommandFailure with Go's words, status EXIT_FORMAT. */
export function readFormat(format: string, name = ''): Template {
  return explained(() => Template.parse(format, name), EXIT_FORMAT)
}

/** What a format makes of one value. Throws CommandFailure; Docker says less here than in lists. */
export function applyFormat(template: Template, value: GoValue): string {
  try {
    return template.execute(value)
  } catch (error) {
    throw error instanceof TemplateFault ? new CommandFailure(error.message) : error
  }
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
