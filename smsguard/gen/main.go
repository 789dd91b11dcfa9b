// Command gen makes tables of telephone numbers from the metadata of the library
// phonenumbers. "go generate ./..." in the folder of smsguard runs it.
package main

import (
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	files, err := makeFiles()
	if err != nil {
		log.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// makeFiles makes all files, by their names from this folder.
func makeFiles() (map[string][]byte, error) {
	codes, err := callingCodes()
	if err != nil {
		return nil, err
	}
	table, err := makeTable(codes)
	if err != nil {
		return nil, err
	}
	web, err := makePage(codes)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		page:                         web,
		"../internal/plan/table.bin": table,
		"../testdata/examples.txt":   []byte(listExamples(codes)),
	}, nil
}
