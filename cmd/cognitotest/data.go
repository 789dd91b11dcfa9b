package main

// This file keeps what is to be the same after a restart: the signing key, the
// certificate authority, the users.

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cyber-eternal/customauth/cognitotest"
)

// The files in the folder of --data.
const (
	stateFile     = "state.json"
	keyFile       = "key.pem"
	authorityFile = "authority.pem"
)

// signingKey reads the key, or makes it. Without a file it is made for this run.
func signingKey(s *settings) (*rsa.PrivateKey, error) {
	path := s.keyFile
	if path == "" && s.data != "" {
		path = filepath.Join(s.data, keyFile)
	}
	if path == "" {
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
		return key, writePrivate(path, pem.EncodeToMemory(block))
	}
	if err != nil {
		return nil, err
	}
	key, err := parseKey(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

func parseKey(data []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("want an RSA private key in PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if rsaKey, ok := key.(*rsa.PrivateKey); err == nil && ok {
		return rsaKey, nil
	}
	return nil, errors.New("want an RSA private key in PEM")
}

// newAuthority reads the authority, or makes it, and writes its certificate to the
// file that clients trust. It is nil without --tls-ca.
func newAuthority(s *settings, hosts []string) (*cognitotest.Authority, error) {
	if s.tlsCA == "" {
		return nil, nil
	}
	authority, err := keptAuthority(s, hosts)
	if err != nil {
		return nil, err
	}
	return authority, os.WriteFile(s.tlsCA, authority.PEM(), 0o644)
}

func keptAuthority(s *settings, hosts []string) (*cognitotest.Authority, error) {
	if s.data == "" {
		return cognitotest.NewAuthority(hosts...)
	}
	path := filepath.Join(s.data, authorityFile)
	if data, err := os.ReadFile(path); err == nil {
		authority, err := cognitotest.ParseAuthority(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return authority, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	authority, err := cognitotest.NewAuthority(hosts...)
	if err != nil {
		return nil, err
	}
	data, err := authority.PrivatePEM()
	if err != nil {
		return nil, err
	}
	return authority, writePrivate(path, data)
}

// writePrivate replaces the file as a whole, readable for its owner alone.
func writePrivate(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".cognitotest-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// restore reads the users into a new pool. It reports whether there was a file.
func restore(s *settings, pool *cognitotest.Pool) (bool, error) {
	if s.data == "" {
		return false, nil
	}
	path := filepath.Join(s.data, stateFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	if err := pool.Restore(f); err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	return true, nil
}

// saveAfter is how long a change waits for more of them.
const saveAfter = 200 * time.Millisecond

// A saver writes the state soon after it changed, and when it is closed. A nil one
// does nothing.
type saver struct {
	path string
	pool func() *cognitotest.Pool
	log  *log

	dirty   chan struct{} // of one
	closing chan struct{}
	close1  sync.Once
	done    chan struct{}
}

func startSaver(path string, pool func() *cognitotest.Pool, log *log) *saver {
	v := &saver{path: path, pool: pool, log: log, dirty: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{})}
	go v.run()
	return v
}

func (v *saver) run() {
	defer close(v.done)
	for {
		select {
		case <-v.dirty:
		case <-v.closing:
			v.save()
			return
		}
		select {
		case <-time.After(saveAfter):
			v.save()
		case <-v.closing:
			v.save()
			return
		}
	}
}

func (v *saver) save() {
	var state bytes.Buffer
	err := v.pool().Save(&state)
	if err == nil {
		err = writePrivate(v.path, state.Bytes())
	}
	if err != nil {
		v.log.warn("the state is not saved: %v", err)
	}
}

// changed says that there is something to save.
func (v *saver) changed() {
	if v == nil {
		return
	}
	select {
	case v.dirty <- struct{}{}:
	default:
	}
}

func (v *saver) close() {
	if v == nil {
		return
	}
	v.close1.Do(func() { close(v.closing) })
	<-v.done
}
