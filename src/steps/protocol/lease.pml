/*
 * The protocol by which servers share the work of one key, for the model checker spin: who may start an attempt, look after it, take it over and publish.
 *
 *     none ── claim ──> running ── publish ──> done            each arrow into the row is one guarded commit (atomic here);
 *               ^          │ the lease is over, or             reading the row, the engine and the folder before it is not
 *               │          │ the owner is gone
 *              lost <── reconcile ──> done
 *
 * A server may be slow for any time between two of its steps, so its lease ends while it still believes in it; it may die and come back knowing nothing.
 * A job may outlive its server, run twice, fail, and leave its manifest after everybody gave it up.
 *
 * Compiled with UNFENCED, UNGUARDED_ADOPTION or BLIND_CLAIM one guard is missing, and lease.test.ts expects the checker to find how that goes wrong.
 */
#ifndef SERVERS
#define SERVERS 2
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 3
#endif
#define FAULTS 2

mtype = { none, running, lost, done };

/* The row of the step. */
mtype state = none;
byte fence = 0;
byte owner = 0;
bool leaseOver = false;
bool ownerGone = false;

/* What lies outside of the records: each attempt's folder and the engine. */
bool manifest[ATTEMPTS + 1];
bool runs[ATTEMPTS + 1];

byte results = 0;
byte faults = 0;

#define ABANDONED (leaseOver || ownerGone)
#define ENDED (state == done || (state == lost && fence == ATTEMPTS))

/* What each commit of an attempt is guarded by: its fence, and the owner that looked after it when it was read. */
#ifdef UNFENCED
#define HOLDS(f, o) (state == running)
#else
#define HOLDS(f, o) (state == running && fence == f && owner == o)
#endif

inline commitPublished(f, o) {
  atomic {
    if
    :: HOLDS(f, o) ->
      assert(results == 0);
      assert(manifest[f]);
      assert(fence == f);
      results++;
      state = done
    :: else
    fi
  }
}

inline commitLost(f, o) {
  atomic {
    if
    :: HOLDS(f, o) -> state = lost
    :: else
    fi
  }
}

/* A server dies: all that it knew is gone, and others can see that. */
inline die() {
  atomic {
    mine > 0 && faults < FAULTS -> faults++;
    if
    :: owner == me -> ownerGone = true
    :: else
    fi;
    mine = 0
  }
}

/* `mine` is the attempt that it believes it looks after; 0: none. */
active [SERVERS] proctype Server() {
  byte me = _pid + 1;
  byte mine = 0;
  byte seen = 0;
  byte seenOwner = 0;
  bool found = false;
  do
  :: ENDED -> break

  /* Claim: a new step, or a lost one. */
#ifdef BLIND_CLAIM
  :: state == lost || state == none ->
    atomic { fence < ATTEMPTS -> fence++; state = running; owner = me; leaseOver = false; ownerGone = false; mine = fence }
#else
  :: atomic { mine == 0 && (state == none || state == lost) && fence < ATTEMPTS ->
      fence++; state = running; owner = me; leaseOver = false; ownerGone = false; mine = fence }
#endif
    if
    :: runs[mine] = true
    :: die()
    fi

  /* Heartbeat: a longer lease, or the news that another looks after the attempt, whose job then goes on, or that a newer one has its step. */
  :: mine > 0 && (leaseOver || !HOLDS(mine, me)) ->
    atomic {
      if
      :: HOLDS(mine, me) -> leaseOver = false
      :: state == running && fence == mine && owner != me -> mine = 0
      :: state != running || fence != mine -> runs[mine] = false; mine = 0
      fi
    }

  /* The job has ended. */
  :: mine > 0 && !runs[mine] ->
    found = manifest[mine];
    if
    :: found -> commitPublished(mine, me)
    :: else -> commitLost(mine, me) /* tried again; what may not be tried again ends the work of the key */
    fi;
    mine = 0

  /* Reconcile: what nobody looks after is adopted where it runs, and settled where it does not. */
  :: mine == 0 && state == running && ABANDONED ->
    atomic { seen = fence; seenOwner = owner };
    if
    :: runs[seen] ->
      atomic {
#ifdef UNGUARDED_ADOPTION
        if
        :: true -> state = running; owner = me; leaseOver = false; ownerGone = false; mine = seen
#else
        if
        :: HOLDS(seen, seenOwner) && ABANDONED -> owner = me; leaseOver = false; ownerGone = false; mine = seen
        :: else
#endif
        fi
      }
    :: runs[seen] = false;
      found = manifest[seen];
      if
      :: found -> commitPublished(seen, seenOwner)
      :: else -> commitLost(seen, seenOwner)
      fi
    fi;
    seen = 0;
    seenOwner = 0;
    found = false

  :: die()
  od
}

/* The job of each attempt: it may leave its manifest although it was told to end meanwhile, it may run twice, and it may fail. */
active [ATTEMPTS] proctype Job() {
  byte f = _pid - SERVERS + 1;
  do
  :: runs[f] -> manifest[f] = true; runs[f] = false
  :: atomic { runs[f] && faults < FAULTS -> faults++; runs[f] = false }
  :: ENDED -> break
  od
}

/* A lease ends whenever its owner was too slow to renew it. */
active proctype Time() {
  do
  :: atomic { state == running && !leaseOver && faults < FAULTS -> faults++; leaseOver = true }
  :: ENDED -> break
  od
}

/* Published once, for good; and published in the end, unless every attempt was spent. */
ltl once { [] (state == done -> [] (state == done && results == 1)) }
ltl settled { <> ENDED }
