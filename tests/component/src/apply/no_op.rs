//! The check that needs no request never says "as wanted" where a dry run would change something: random objects of
//! many kinds, changed at random by us and by others, against the real server.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail, ensure};
use kube::Client;
use serde_json::{Value, json};
use weir_apply::{
    Accepted, Applier, ChangeSet, Cluster, FieldManagers, Force, Known, Live, LiveIndex, Object,
    ObjectRef, Settings, Step, Target, prepare, stages,
};

use super::World;
use super::samples;

/// Rounds per kind of object.
const ROUNDS: u32 = 24;

#[tokio::test]
async fn what_the_index_calls_unchanged_is_so_for_the_server() -> Result<()> {
    let world = World::new("no-op-property").await?;
    let kinds = samples::definitions();
    world.applied(&kinds).await?;
    let mut said_same = 0;
    for (number, sample) in samples::objects(world.name()).into_iter().enumerate() {
        let mut dice = Dice(0x5A37_79B9_7F4A_7C11 ^ (number as u64 + 1));
        let mut trial = Trial::new(&world, sample)?;
        for round in 0..ROUNDS {
            let same = trial.round(&mut dice).await;
            let same = same.with_context(|| format!("{} in round {round}", trial.desired))?;
            said_same += u32::from(same);
        }
        let settled = trial.is_settled().await;
        ensure!(
            settled.with_context(|| trial.desired.to_string())?,
            "{} asks although nothing has changed",
            trial.desired
        );
    }
    ensure!(said_same > 100, "the check said so {said_same} times only");
    Ok(())
}

/// One object, applied again and again.
struct Trial<'a> {
    world: &'a World,
    /// Has no server to ask.
    offline: Cluster,
    managers: FieldManagers,
    desired: Value,
    sample: Value,
}

impl<'a> Trial<'a> {
    fn new(world: &'a World, sample: Value) -> Result<Self> {
        let nowhere = kube::Config::new("http://127.0.0.1:9".parse()?);
        Ok(Self {
            world,
            offline: Cluster::new(Client::try_from(nowhere)?),
            managers: FieldManagers::new("kustomize-controller", &[]),
            desired: sample.clone(),
            sample,
        })
    }

    /// Applies, lets somebody change the object, changes what is wanted; returns whether the check needs no request.
    async fn round(&mut self, dice: &mut Dice) -> Result<bool> {
        let Ok(accepted) = self.apply().await else {
            // What was made of it at random is refused: begin anew.
            self.desired = self.sample.clone();
            return Ok(false);
        };
        let edits = dice.below(3);
        for _ in 0..edits {
            self.edit(dice).await?;
        }
        if dice.below(2) == 0 {
            mutate(&mut self.desired, dice);
        }
        self.check(&accepted).await
    }

    /// What the check says, which must be what the server says.
    async fn check(&self, accepted: &Option<Accepted>) -> Result<bool> {
        let live = self.read().await?.context("it is there")?;
        let mut same = false;
        for (accepted, comparable) in [(None, true), (accepted.clone(), false)] {
            let known = Known {
                live: Live::of(&live, &self.managers),
                accepted,
                comparable,
            };
            let by_value = comparable;
            let Some(Step::Keep) = self.without_asking(known).await? else {
                continue;
            };
            same = true;
            let asked = self.plan(&self.world.applier()).await;
            let Ok(Step::Keep) = asked else {
                bail!(
                    "said to be unchanged (by value: {by_value}), but the server: {asked:?}\nlive: {}\ndesired: {}",
                    live.value(),
                    self.desired
                );
            };
        }
        Ok(same)
    }

    /// Whether nothing is asked after an apply. What is always asked for counts: an object on its way out, which a
    /// finalizer holds, and one in which an edit has left a null that no apply replaces.
    async fn is_settled(&mut self) -> Result<bool> {
        self.desired = self.sample.clone();
        let accepted = self.apply().await?;
        let object = self.read().await?.context("it is there")?;
        let owned = Live::of(&object, &self.managers).owned;
        if object.is_terminating() || owned.is_some_and(|owned| owned.nulls) {
            return Ok(true);
        }
        self.check(&accepted).await
    }

    /// What is remembered of an apply.
    async fn apply(&self) -> Result<Option<Accepted>> {
        let mut changes = ChangeSet::default();
        let applier = self.world.applier();
        let stage = stages(self.prepared()?, &[]).remove(0);
        let plan = applier.plan(stage, Force::Always).await?;
        applier.execute(&plan, &mut changes).await?;
        Ok(changes.entries.pop().and_then(|change| change.accepted))
    }

    fn prepared(&self) -> Result<Vec<Object>> {
        let object = Object::new(self.desired.clone())?;
        Ok(prepare(vec![object], &self.world.owner, None)?)
    }

    /// What would be done, with requests.
    async fn plan(&self, applier: &Applier) -> Result<Step> {
        let stage = stages(self.prepared()?, &[]).remove(0);
        let mut plan = applier.plan(stage, Force::OnRequest).await?;
        Ok(plan.objects.remove(0).step)
    }

    /// What is done if nobody can be asked.
    async fn without_asking(&self, known: Known) -> Result<Option<Step>> {
        let object = self.prepared()?.remove(0).reference();
        let index = std::sync::Arc::new(Snapshot(HashMap::from([(object, known)])));
        let applier = Applier::new(self.offline.clone(), Settings::default()).with_index(index);
        Ok(self.plan(&applier).await.ok())
    }

    async fn read(&self) -> Result<Option<Object>> {
        let live = self.world.get(&self.path()?).await?;
        Ok(live.map(Object::new).transpose()?)
    }

    fn path(&self) -> Result<String> {
        let object = Object::new(self.desired.clone())?;
        samples::path(&object).context("a kind without a path")
    }

    /// Somebody changes the object at random. What the server refuses is not done.
    async fn edit(&self, dice: &mut Dice) -> Result<()> {
        let Some(live) = self.read().await? else {
            return Ok(());
        };
        let mut value = live.into_value();
        mutate(&mut value, dice);
        let manager = ["kubectl-edit", "editor", "kustomize-controller"][dice.below(3)];
        let request = if dice.below(4) == 0 {
            // Another applier, of a part of it.
            value["metadata"] = json!({"name": value["metadata"]["name"], "namespace": value["metadata"]["namespace"]});
            http::Request::patch(format!("{}?fieldManager=applier&force=true", self.path()?))
                .header("Content-Type", "application/apply-patch+yaml")
        } else {
            http::Request::put(format!("{}?fieldManager={manager}", self.path()?))
                .header("Content-Type", "application/json")
        };
        let path = request
            .uri_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let request = request
            .uri(path.replace("{ns}", self.world.name()))
            .body(value.to_string().into_bytes())?;
        let _ = self
            .world
            .namespace
            .client()
            .request::<Value>(request)
            .await;
        Ok(())
    }
}

/// What an index would hold.
struct Snapshot(HashMap<ObjectRef, Known>);

impl LiveIndex for Snapshot {
    fn look_up(&self, target: &Target) -> Option<Known> {
        self.0.get(&target.object).cloned()
    }
}

/// Numbers that are random enough and always the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap_or_default()
    }
}

/// Changes something below what makes the object the one it is.
fn mutate(object: &mut Value, dice: &mut Dice) {
    if dice.below(4) == 0 {
        let map = ["labels", "annotations"][dice.below(2)];
        let value = ["x", "y"][dice.below(2)];
        object["metadata"][map][["mine", "theirs"][dice.below(2)]] = value.into();
        return;
    }
    let content: Vec<String> = object
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.clone())
        .filter(|key| !["apiVersion", "kind", "metadata", "status"].contains(&key.as_str()))
        .collect();
    if content.is_empty() {
        return;
    }
    let mut pointer = format!("/{}", content[dice.below(content.len())]);
    while dice.below(5) > 0 {
        let step = match object.pointer(&pointer) {
            Some(Value::Object(fields)) if !fields.is_empty() => {
                let key = fields.keys().nth(dice.below(fields.len()));
                key.map(|key| key.replace('~', "~0").replace('/', "~1"))
            }
            Some(Value::Array(items)) if !items.is_empty() => {
                Some(dice.below(items.len()).to_string())
            }
            _ => None,
        };
        match step {
            Some(step) => pointer = format!("{pointer}/{step}"),
            None => break,
        }
    }
    if let Some(place) = object.pointer_mut(&pointer) {
        change(place, dice);
    }
}

fn change(place: &mut Value, dice: &mut Dice) {
    match (dice.below(8), place) {
        (0, place) => *place = Value::Null,
        (1, Value::Object(fields)) => {
            fields.insert("zz".to_owned(), "new".into());
        }
        (2 | 3, Value::Object(fields)) if !fields.is_empty() => {
            let at = dice.below(fields.len());
            let key = fields.keys().nth(at).cloned().unwrap_or_default();
            fields.remove(&key);
        }
        (4, Value::Object(fields)) => fields.clear(),
        (1, Value::Array(items)) if !items.is_empty() => {
            let item = items[dice.below(items.len())].clone();
            items.push(item);
        }
        (2 | 3, Value::Array(items)) => items.reverse(),
        (4, Value::Array(items)) => items.clear(),
        (5, Value::Array(items)) if !items.is_empty() => {
            items.remove(dice.below(items.len()));
        }
        (6, Value::Array(items)) if !items.is_empty() => {
            let mut item = items[0].clone();
            if let Some(name) = item.get_mut("name") {
                *name = "another".into();
            } else if item.is_string() {
                item = "another".into();
            }
            items.insert(0, item);
        }
        (_, Value::String(text)) => {
            *text = match text.as_str() {
                "1000m" => "1".to_owned(),
                "1" => "1000m".to_owned(),
                text => format!("{text}x"),
            };
        }
        (_, Value::Number(number)) => {
            *number = (number.as_i64().unwrap_or_default() + 1).into();
        }
        (_, Value::Bool(value)) => *value = !*value,
        (_, _) => {}
    }
}
