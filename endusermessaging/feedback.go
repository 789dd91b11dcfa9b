package endusermessaging

// This file tells AWS which messages were answered.

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sms "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"github.com/cyber-eternal/customauth"
)

// Feedback marks the last message of a sign-in as RECEIVED when its code was right.
// AWS marks as FAILED, after an hour, what nobody reports
// (https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_PutMessageFeedback.html), so
// turn it on only with a Memory that all instances share. It does two jobs: the
// senders that have it in their field Feedback tell it what they sent, and as
// Options.Guard it is told of right answers:
//
//	feedback := &endusermessaging.Feedback{Guard: guard, Memory: memory}
//	options.Guard = feedback
//	options.Senders = map[string]customauth.Sender{"SMS": &endusermessaging.SMS{Feedback: feedback}}
//
// It is safe for concurrent use. Nothing of it fails a sign-in. The function needs the
// permission sms-voice:PutMessageFeedback.
type Feedback struct {
	// Guard decides what may be sent, and is told of right answers too. Default: all may.
	Guard customauth.Guard

	// Memory keeps ids of messages from the send to the answer. Default: the memory of
	// this process, which on Lambda is one instance: what another one verifies is not
	// reported, and so counts as failed.
	Memory Memory

	// Report, if set, is told of what could not be kept or reported. The text has
	// neither number nor code.
	Report func(ctx context.Context, err error)

	// Client reports. Default: see the package documentation.
	Client interface {
		PutMessageFeedback(context.Context, *sms.PutMessageFeedbackInput, ...func(*sms.Options)) (*sms.PutMessageFeedbackOutput, error)
	}

	lambda fromLambda
	once   sync.Once
	local  *processMemory
}

// A Memory keeps one text for a key. It is called concurrently, with contexts that end
// after half a second. Keys are opaque, and up to 256 bytes.
type Memory interface {
	// Put keeps value under key, in place of what was there, and may forget it after
	// the time of forget.
	Put(ctx context.Context, key, value string, forget time.Time) error

	// Take returns what is kept under key, and forgets it; "" if there is nothing.
	Take(ctx context.Context, key string) (string, error)
}

// feedbackTime bounds each of the two things that feedback adds to a sign-in.
const feedbackTime = 500 * time.Millisecond

// An hour after it was sent, AWS has made up its mind.
const useless = time.Hour

// Allow asks the guard.
func (f *Feedback) Allow(ctx context.Context, r customauth.Request, to customauth.Destination) error {
	if f.Guard == nil {
		return nil
	}
	return f.Guard.Allow(ctx, r, to)
}

// Verified tells the guard, and AWS.
func (f *Feedback) Verified(ctx context.Context, r customauth.Request, to customauth.Destination) {
	if f.Guard != nil {
		f.Guard.Verified(ctx, r, to)
	}
	ctx, cancel := context.WithTimeout(ctx, feedbackTime)
	defer cancel()
	id, err := f.memory().Take(ctx, key(r, to))
	if err != nil {
		f.report(ctx, fmt.Errorf("endusermessaging: feedback: memory: %w", err))
		return
	}
	if id == "" {
		return // sent by something else, or by another instance
	}
	if err := f.put(ctx, id); err != nil {
		f.report(ctx, err)
	}
}

func (f *Feedback) put(ctx context.Context, id string) error {
	client := f.Client
	if client == nil {
		c, err := f.lambda.client()
		if err != nil {
			return err
		}
		client = c
	}
	_, err := client.PutMessageFeedback(ctx, &sms.PutMessageFeedbackInput{
		MessageId:             aws.String(id),
		MessageFeedbackStatus: types.MessageFeedbackStatusReceived,
	}, onceOnly)
	if err != nil {
		return explain(err, customauth.Message{})
	}
	return nil
}

// sent is the end of each Send: there must be an id, and it is kept. A nil Feedback
// keeps nothing.
func (f *Feedback) sent(ctx context.Context, m customauth.Message, id *string) error {
	if aws.ToString(id) == "" {
		return errNoMessageID
	}
	if f == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, feedbackTime)
	defer cancel()
	if err := f.memory().Put(ctx, key(m.Request, m.To), *id, time.Now().Add(useless)); err != nil {
		f.report(ctx, fmt.Errorf("endusermessaging: feedback: memory: %w", err))
	}
	return nil // the message is on its way, whatever becomes of its feedback
}

func (f *Feedback) enabled() *bool {
	if f == nil {
		return nil
	}
	return aws.Bool(true)
}

func (f *Feedback) report(ctx context.Context, err error) {
	if f.Report != nil {
		f.Report(ctx, err)
	}
}

func (f *Feedback) memory() Memory {
	if f.Memory != nil {
		return f.Memory
	}
	f.once.Do(func() { f.local = &processMemory{kept: map[string]kept{}} })
	return f.local
}

// key is the same in all triggers of a sign-in.
func key(r customauth.Request, to customauth.Destination) string {
	return r.PoolID + "/" + r.SignIn + "/" + to.Medium
}

// processMemory is a Memory of this process.
type processMemory struct {
	mu   sync.Mutex
	kept map[string]kept
}

type kept struct {
	value  string
	forget time.Time
}

// maxKept bounds the memory of a process: some megabyte.
const maxKept = 10_000

func (p *processMemory) Put(_ context.Context, key, value string, forget time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.kept) >= maxKept {
		for k, v := range p.kept {
			if time.Now().After(v.forget) {
				delete(p.kept, k)
			}
		}
	}
	if len(p.kept) >= maxKept {
		return fmt.Errorf("%d messages of the last hour are kept already", maxKept)
	}
	p.kept[key] = kept{value, forget}
	return nil
}

func (p *processMemory) Take(_ context.Context, key string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.kept[key]
	delete(p.kept, key)
	if time.Now().After(v.forget) {
		return "", nil
	}
	return v.value, nil
}
