using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;

namespace CrnMlNet;

/// <summary>
/// A system that learns to paint: which network, and what it minimizes. Those of the paper have names, and so have its missing
/// ablations; another is <c>new Recipe { Name = "mine", Network = ..., Objective = ... }</c>, or a named one <c>with</c> something else.
/// </summary>
[TypeConverter(typeof(RecipeConverter))]
public sealed record Recipe
{
    /// <summary>The paper's system: a cascaded refinement network, compared in the perception network (Eq. 1).</summary>
    public static Recipe Crn { get; } = new()
    {
        Name = "crn",
        Summary = "the paper's: cascaded refinement, compared in the perception network",
    };

    /// <summary>The same network, compared as image alone.</summary>
    public static Recipe ImageSpace { get; } = new()
    {
        Name = "image-space",
        Summary = "cascaded refinement, compared pixel by pixel",
        Objective = new() { Comparison = Comparison.Image },
    };

    /// <summary>The paper's baseline that never changes its resolution.</summary>
    public static Recipe FullResolution { get; } = new()
    {
        Name = "full-resolution",
        Summary = "ten dilated layers at the photo's resolution, compared as crn",
        Network = NetworkKind.FullResolution,
    };

    /// <summary>The paper's baseline that goes down and up again.</summary>
    public static Recipe EncoderDecoder { get; } = new()
    {
        Name = "encoder-decoder",
        Summary = "U-Net, compared as crn",
        Network = NetworkKind.UNet,
    };

    /// <summary>An encoder-decoder whose finer branches begin with what the coarser ones found.</summary>
    public static Recipe Recombinator { get; } = new()
    {
        Name = "recombinator",
        Summary = "Recombinator Network, compared as crn",
        Network = NetworkKind.Recombinator,
    };

    /// <summary>The paper's nine photos of a layout (Eq. 3).</summary>
    public static Recipe CrnDiverse { get; } = new()
    {
        Name = "crn-diverse",
        Summary = "crn that paints nine photos of a layout (Eq. 3)",
        ImagesPerLayout = 9,
    };

    /// <summary>All that have names, the paper's own first.</summary>
    public static IReadOnlyList<Recipe> All { get; } = [Crn, ImageSpace, EncoderDecoder, Recombinator, FullResolution, CrnDiverse];

    /// <summary>What it is called, in the log and in the model's <see cref="TrainingRecord"/>.</summary>
    public required string Name { get; init; }

    /// <summary>One line that tells it from the others.</summary>
    public string Summary { get; init; } = "";

    /// <summary>The kind of the network.</summary>
    public NetworkKind Network { get; init; } = NetworkKind.CascadedRefinement;

    /// <summary>What it minimizes.</summary>
    public Objective Objective { get; init; } = new();

    /// <summary>How many photos are painted of a layout, unless the options say.</summary>
    public int ImagesPerLayout { get; init; } = 1;

    /// <summary>Adam's learning rate, unless the options say.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>The recipe of a name.</summary>
    /// <param name="name">One of <see cref="All"/>'s names, in any case.</param>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static Recipe Parse(string name) => All.FirstOrDefault(recipe => recipe.Name.Equals(name.Trim(), StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException($"There is no recipe '{name}'. There are: {string.Join(", ", All.Select(recipe => recipe.Name))}.", nameof(name));

    /// <summary>The name.</summary>
    public override string ToString() => Name;
}

/// <summary>Turns the name that <see cref="Recipe.Parse"/> reads into a recipe, for configuration and property editors.</summary>
internal sealed class RecipeConverter : TypeConverter
{
    public override bool CanConvertFrom(ITypeDescriptorContext? context, Type sourceType) =>
        sourceType == typeof(string) || base.CanConvertFrom(context, sourceType);

    public override object? ConvertFrom(ITypeDescriptorContext? context, CultureInfo? culture, object value) =>
        value is string name ? Recipe.Parse(name) : base.ConvertFrom(context, culture, value);

    public override bool CanConvertTo(ITypeDescriptorContext? context, [NotNullWhen(true)] Type? destinationType) =>
        destinationType == typeof(string) || base.CanConvertTo(context, destinationType);

    public override object? ConvertTo(ITypeDescriptorContext? context, CultureInfo? culture, object? value, Type destinationType) =>
        value is Recipe recipe && destinationType == typeof(string) ? recipe.Name : base.ConvertTo(context, culture, value, destinationType);
}
