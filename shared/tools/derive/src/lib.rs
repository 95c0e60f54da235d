//! `#[derive(Shape)]`: of a type that a tool takes or gives, what a plan is typed with.
//!
//! For `Booking` it writes `BookingArgs`, where each field is a value or a reference, and `BookingFields`,
//! the references to its fields. Names are those that serde writes; what would make serde write other fields
//! than the type has (`flatten`, `rename_all`, `skip`) is refused rather than half understood.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::{format_ident, quote};
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Error, Field, Fields, LitStr, parse_macro_input};

/// See `makegood_tools::Shape`.
#[proc_macro_derive(Shape, attributes(serde))]
pub fn shape(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> Result<Tokens, Error> {
    if !input.generics.params.is_empty() {
        return Err(Error::new(input.generics.span(), "a shape has no generic parameters: its schema is one"));
    }
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) => {
                serde(&input.attrs, WHOLE)?;
                object(input, named.named.iter())
            }
            Fields::Unnamed(_) | Fields::Unit => Ok(leaf(input)),
        },
        Data::Enum(_) => Ok(leaf(input)),
        Data::Union(data) => Err(Error::new(data.union_token.span, "a union has no shape in JSON")),
    }
}

/// What would rename all fields at once, or write something else in the struct's place.
const WHOLE: &[&str] = &["rename_all", "transparent", "tag", "into", "from", "try_from", "remote"];

/// What refers to the type as a whole: nothing inside of it has a name of its own.
fn leaf(input: &DeriveInput) -> Tokens {
    let name = &input.ident;
    quote! {
        impl ::makegood_tools::Shape for #name {
            type Fields = ::makegood_tools::Ref<Self>;
            fn fields(at: ::makegood_tools::Ref<Self>) -> Self::Fields {
                at
            }
        }
    }
}

fn object<'a>(input: &DeriveInput, fields: impl Iterator<Item = &'a Field>) -> Result<Tokens, Error> {
    let (name, vis) = (&input.ident, &input.vis);
    let (args, references) = (format_ident!("{name}Args"), format_ident!("{name}Fields"));
    let args_doc = format!(" What a plan gives for a [`{name}`]: of each field a value, or a reference.");
    let fields_doc = format!(" The fields of a [`{name}`] that an earlier step gives.");
    let (mut of_args, mut of_fields, mut into_json, mut from_path) = (vec![], vec![], vec![], vec![]);
    for field in fields {
        let Some(ident) = &field.ident else { continue };
        let (kind, vis) = (&field.ty, &field.vis);
        let docs: Vec<&Attribute> = field.attrs.iter().filter(|attribute| attribute.path().is_ident("doc")).collect();
        let json = json_name(field)?.unwrap_or_else(|| LitStr::new(&unraw(ident), ident.span()));
        of_args.push(quote! { #(#docs)* #vis #ident: ::makegood_tools::Arg<#kind> });
        of_fields.push(quote! { #(#docs)* #vis #ident: <#kind as ::makegood_tools::Shape>::Fields });
        into_json.push(quote! { (#json, args.#ident.into_parameter()) });
        from_path.push(quote! { #ident: <#kind as ::makegood_tools::Shape>::fields(at.field(#json)) });
    }
    Ok(quote! {
        #[doc = #args_doc]
        #[derive(Clone, Debug)]
        #vis struct #args { #(#of_args,)* }

        impl ::core::convert::From<#args> for ::makegood_tools::Arg<#name> {
            fn from(args: #args) -> Self {
                let _ = &args;
                Self::object([#(#into_json,)*])
            }
        }

        #[doc = #fields_doc]
        #[derive(Clone, Debug)]
        #vis struct #references {
            #(#of_fields,)*
            #[doc(hidden)]
            __whole: ::makegood_tools::Ref<#name>,
        }

        impl ::core::convert::From<&#references> for ::makegood_tools::Arg<#name> {
            fn from(fields: &#references) -> Self {
                Self::from(&fields.__whole)
            }
        }

        impl ::makegood_tools::Shape for #name {
            type Fields = #references;
            fn fields(at: ::makegood_tools::Ref<Self>) -> Self::Fields {
                #references { #(#from_path,)* __whole: at }
            }
        }
    })
}

fn unraw(ident: &syn::Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map_or(text.clone(), str::to_owned)
}

/// What serde calls the field, where it is told to call it otherwise.
fn json_name(field: &Field) -> Result<Option<LitStr>, Error> {
    serde(&field.attrs, &["flatten", "skip", "skip_serializing", "skip_deserializing"])
}

/// Reads serde's attributes: the name that they give, and an error for each of `refused`.
fn serde(attributes: &[Attribute], refused: &[&str]) -> Result<Option<LitStr>, Error> {
    let mut name = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        attribute.parse_nested_meta(|meta| {
            if let Some(word) = refused.iter().find(|word| meta.path.is_ident(word)) {
                return Err(meta.error(format!("a shape has its fields as they stand: `{word}` changes them")));
            }
            if meta.path.is_ident("rename") {
                // `rename(serialize = …)` would be two names for one field.
                name = Some(meta.value()?.parse()?);
            } else if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<syn::Lit>()?;
            } else if meta.input.peek(syn::token::Paren) {
                meta.parse_nested_meta(|inner| inner.value()?.parse::<syn::Lit>().map(drop))?;
            }
            Ok(())
        })?;
    }
    Ok(name)
}
