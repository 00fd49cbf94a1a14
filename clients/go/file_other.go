//go:build !(linux && (amd64 || arm64 || riscv64 || loong64))

package shm

import "os"

type fileIdentity struct{}

func identityOf(os.FileInfo) fileIdentity { return fileIdentity{} }

func mapFile(string) (mapping, Header, fileIdentity, error) {
	return mapping{}, Header{}, fileIdentity{}, &Error{Unavailable, "needs 64-bit little-endian Linux"}
}

func unmapFile(mapping) {}
