package credentials

import "github.com/cyber-eternal/customauth/credential"

// Read reads an item of the table.
func Read(it item, owner, kind string) (credential.Item, error) { return read(it, owner, kind) }
