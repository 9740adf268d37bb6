/** Records what Go makes of templates; vectors/go-templates.md has the command. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TEMPLATE_DATA, TEMPLATES } from './template-cases.ts'

const PROGRAM = `package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"text/template"
)

func main() {
	var input struct {
		Data      interface{}
		Templates []string
	}
	json.NewDecoder(os.Stdin).Decode(&input)
	functions := template.FuncMap{
		"json": func(v interface{}) string {
			buffer := &bytes.Buffer{}
			encoder := json.NewEncoder(buffer)
			encoder.SetEscapeHTML(false)
			encoder.Encode(v)
			return strings.TrimSpace(buffer.String())
		},
		"split": strings.Split, "join": strings.Join, "title": strings.Title,
		"lower": strings.ToLower, "upper": strings.ToUpper,
		"pad": func(s string, a, b int) string {
			if s == "" {
				return s
			}
			return strings.Repeat(" ", a) + s + strings.Repeat(" ", b)
		},
		"truncate": func(s string, n int) string {
			if len(s) < n {
				return s
			}
			return s[:n]
		},
	}
	type result struct{ Template, Text, Fault string }
	results := []result{}
	for _, text := range input.Templates {
		one := result{Template: text}
		parsed, err := template.New("").Funcs(functions).Parse(text)
		buffer := &bytes.Buffer{}
		if err == nil {
			err = parsed.Execute(buffer, input.Data)
		}
		if err != nil {
			one.Fault = err.Error()
		} else {
			one.Text = buffer.String()
		}
		results = append(results, one)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	encoder.Encode(map[string]interface{}{"data": input.Data, "results": results})
}
`

const directory = mkdtempSync(join(tmpdir(), 'weft-'))
try {
  const file = join(directory, 'main.go')
  writeFileSync(file, PROGRAM)
  const input = JSON.stringify({ Data: TEMPLATE_DATA, Templates: TEMPLATES })
  const env = { ...process.env, GO111MODULE: 'off' }
  const output = execFileSync('go', ['run', file], { input, env, encoding: 'utf8' })
  writeFileSync(new URL('../vectors/go-templates.json', import.meta.url), output)
} finally {
  rmSync(directory, { recursive: true })
}
