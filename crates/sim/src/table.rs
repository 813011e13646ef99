//! Vectors whose places are known to exist: machines and links are never taken out.
//!
//! The world hands out the places itself, so a place that does not exist is a fault of this crate.

use std::ops::{Index, IndexMut};

/// Things by the place at which they were put.
#[derive(Debug)]
pub(crate) struct Table<T>(Vec<T>);

impl<T> Table<T> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Puts a thing behind the others; its place.
    pub(crate) fn push(&mut self, thing: T) -> usize {
        self.0.push(thing);
        self.0.len() - 1
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }
}

impl<T> Index<usize> for Table<T> {
    type Output = T;

    fn index(&self, place: usize) -> &T {
        let Some(thing) = self.0.get(place) else {
            unreachable!("places are handed out by the table")
        };
        thing
    }
}

impl<T> IndexMut<usize> for Table<T> {
    fn index_mut(&mut self, place: usize) -> &mut T {
        let Some(thing) = self.0.get_mut(place) else {
            unreachable!("places are handed out by the table")
        };
        thing
    }
}

/// Things that come and go; a place is used again once its thing was taken.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    things: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self {
            things: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(crate) fn insert(&mut self, thing: T) -> u32 {
        if let Some(key) = self.free.pop() {
            if let Some(place) = self.things.get_mut(place_of(key)) {
                *place = Some(thing);
            }
            return key;
        }
        self.things.push(Some(thing));
        u32::try_from(self.things.len() - 1).unwrap_or(u32::MAX)
    }

    pub(crate) fn get(&self, key: u32) -> Option<&T> {
        self.things.get(place_of(key))?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: u32) -> Option<&mut T> {
        self.things.get_mut(place_of(key))?.as_mut()
    }

    pub(crate) fn take(&mut self, key: u32) -> Option<T> {
        let thing = self.things.get_mut(place_of(key))?.take()?;
        self.free.push(key);
        Some(thing)
    }
}

fn place_of(key: u32) -> usize {
    usize::try_from(key).unwrap_or(usize::MAX)
}
