// Command genmodel writes model.txt, the constraints of Cognito's API that the
// pool checks, from the service's public model: what each operation takes, what
// is required, and the lengths, ranges, patterns and sets of values. It takes
// facts alone, no documentation.
//
//	go run ./internal/genmodel -model service-2.json -o model.txt
//
// The model is the file of botocore for cognito-idp, as it is or compressed with
// gzip. Without -model, the botocore that python3 finds is asked for its own (on
// Debian: apt-get install python3-botocore).
//
// Each line of the output is a shape, its fields separated by tabs: kind, name,
// "sensitive" or nothing, least and most (characters of a string, value of a
// number, entries of a list), and the rest: the pattern of a string, the values
// of an enum, the members of a structure (name:shape, or name!shape where it is
// required), the shape of a list's entries, or those of a map's keys and values.
// Lines of the kind "operation" have the shape of the request instead.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

type model struct {
	Metadata   struct{ APIVersion string }
	Operations map[string]struct{ Input *ref }
	Shapes     map[string]*shape
}

type ref struct{ Shape string }

type shape struct {
	Type       string
	Sensitive  bool
	Min, Max   *json.Number
	Pattern    string
	Enum       []string
	Required   []string
	Members    members
	Member     ref // of a list
	Key, Value ref // of a map
}

// members keeps the order of the model, in which violations are told.
type members []struct{ name, shape string }

func (m *members) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil { // {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var r ref
		if err := d.Decode(&r); err != nil {
			return err
		}
		*m = append(*m, struct{ name, shape string }{name.(string), r.Shape})
	}
	return nil
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("genmodel: ")
	path := flag.String("model", "", "the model, service-2.json or service-2.json.gz; default that of the installed botocore")
	out := flag.String("o", "model.txt", "the file to write")
	flag.Parse()
	m, err := read(*path)
	if err != nil {
		log.Fatal(err)
	}
	var b bytes.Buffer
	write(&b, m)
	if err := os.WriteFile(*out, b.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}

func read(path string) (*model, error) {
	if path == "" {
		out, err := exec.Command("python3", "-c", `import botocore, os
print(os.path.join(os.path.dirname(botocore.__file__), "data", "cognito-idp", "2016-04-18", "service-2.json"))`).Output()
		if err != nil {
			return nil, fmt.Errorf("python3 has no botocore: %w", err)
		}
		path = strings.TrimSpace(string(out))
		if _, err := os.Stat(path); err != nil {
			path += ".gz"
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if data, err = io.ReadAll(z); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	var m model
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(m.Operations) == 0 {
		return nil, fmt.Errorf("%s: no operations in it", path)
	}
	return &m, nil
}

// write writes the operations and every shape that a request can have.
func write(w io.Writer, m *model) {
	fmt.Fprintf(w, "# Made by internal/genmodel from the model of cognito-idp %s. Do not edit.\n", m.Metadata.APIVersion)
	used := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(m.Operations)) {
		if in := m.Operations[name].Input; in != nil {
			fmt.Fprintf(w, "operation\t%s\t%s\n", name, in.Shape)
			m.use(used, in.Shape)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		s := m.Shapes[name]
		fields := []string{s.Type, name, "", "", "", s.detail()}
		if len(s.Enum) > 0 {
			fields[0] = "enum"
		}
		if s.Sensitive {
			fields[2] = "sensitive"
		}
		if s.Min != nil {
			fields[3] = s.Min.String()
		}
		if s.Max != nil {
			fields[4] = s.Max.String()
		}
		fmt.Fprintln(w, strings.Join(fields, "\t"))
	}
}

func (m *model) use(used map[string]bool, name string) {
	if used[name] {
		return
	}
	used[name] = true
	s := m.Shapes[name]
	for _, member := range s.Members {
		m.use(used, member.shape)
	}
	for _, r := range []ref{s.Member, s.Key, s.Value} {
		if r.Shape != "" {
			m.use(used, r.Shape)
		}
	}
}

func (s *shape) detail() string {
	switch {
	case len(s.Enum) > 0:
		return strings.Join(s.Enum, " ")
	case s.Type == "structure":
		var list []string
		for _, m := range s.Members {
			mark := ":"
			if slices.Contains(s.Required, m.name) {
				mark = "!"
			}
			list = append(list, m.name+mark+m.shape)
		}
		return strings.Join(list, " ")
	case s.Type == "list":
		return s.Member.Shape
	case s.Type == "map":
		return s.Key.Shape + " " + s.Value.Shape
	default:
		return s.Pattern
	}
}
