// Command function is the Lambda function of the tests in function_test.go. Each
// event says what it shall do.
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do string // what to do; the environment variable DO, if empty
	At string // an address to call, where Do wants one
}

type answer struct {
	PID      int
	Events   int // handled by this process, this one included
	Env      []string
	Dir      string
	ID, ARN  string
	Deadline time.Time
	Status   string
	Text     string
}

func main() {
	fmt.Fprintln(os.Stderr, "starting")
	switch os.Getenv("START") {
	case "exit":
		os.Exit(3)
	case "init-error":
		post("init/error", `{"errorType":"Test.Init","errorMessage":"no key"}`)
		os.Exit(1)
	case "once": // starts one time; the file says that it did
		f, err := os.OpenFile(os.Getenv("MARK"), os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			os.Exit(4)
		}
		f.Close()
	case "hold": // a child of the function: is there until it is killed
		conn, err := net.Dial("tcp", os.Getenv("AT"))
		if err != nil {
			os.Exit(5)
		}
		io.Copy(io.Discard, conn)
		time.Sleep(time.Hour)
	}
	lambda.Start(handle)
}

var events int

func handle(ctx context.Context, e event) (answer, error) {
	events++
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	a := answer{PID: os.Getpid(), Events: events, ID: lc.AwsRequestID, ARN: lc.InvokedFunctionArn, Deadline: deadline}
	switch cmp.Or(e.Do, os.Getenv("DO")) {
	case "env":
		a.Env = os.Environ()
		a.Dir, _ = os.Getwd()
	case "print":
		fmt.Println("to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
	case "fail":
		return a, errors.New("what went wrong")
	case "panic":
		panic("lost")
	case "exit":
		os.Exit(7)
	case "break-off": // ends in the middle of its answer
		conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
		if err != nil {
			return a, err
		}
		fmt.Fprintf(conn, "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: api\r\nContent-Length: 1000\r\n\r\nhalf", lc.AwsRequestID)
		os.Exit(7)
	case "hang":
		select {}
	case "large":
		a.Text = strings.Repeat("x", 6<<20)
	case "call":
		resp, err := http.Get("http://" + e.At)
		if err != nil {
			return a, err
		}
		resp.Body.Close()
	case "stray": // answers an event that is not under way
		a.Status, a.Text = post("invocation/"+lc.AwsRequestID+"0/response", `{}`)
	case "child":
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{"START=hold", "AT=" + e.At}
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		return a, cmd.Start()
	}
	return a, nil
}

// post sends body to the Runtime API.
func post(path, body string) (status, text string) {
	resp, err := http.Post("http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/"+path, "application/json", bytes.NewBufferString(body))
	if err != nil {
		return err.Error(), ""
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.Status, strings.TrimSpace(string(b))
}
